#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause

# Writes the small databases that the table's tests read into the folder given: every record size and tree form,
# every schema that is understood, and some that must be refused. Written by MaxMind's own library, so that the
# reader is not tested against its own idea of the format.

use strict;
use warnings;
use utf8;

use MaxMind::DB::Writer::Tree;

my ($folder) = @ARGV;
die "usage: make_test_mmdb.pl FOLDER\n" unless defined $folder && -d $folder;

my %type = (
    autonomous_system_number       => 'uint32',
    autonomous_system_organization => 'utf8_string',
    asn                            => 'utf8_string',
    name                           => 'utf8_string',
    as_name                        => 'utf8_string',
    country                        => 'map',
    registered_country             => 'map',
    iso_code                       => 'utf8_string',
    country_code                   => 'utf8_string',
    other                          => 'utf8_string',
);

sub write_database {
    my ($file, $type, $records, %option) = @_;
    my $types = { %type, %{ delete $option{types} || {} } };
    my $tree = MaxMind::DB::Writer::Tree->new(
        ip_version               => 6,
        record_size              => 24,
        database_type            => $type,
        languages                => ['en'],
        description              => { en => 'for tests' },
        alias_ipv6_to_ipv4       => 1,
        remove_reserved_networks => 0,
        map_key_type_callback    => sub { $types->{ $_[0] } },
        %option,
    );
    for (my $i = 0; $i < @$records; $i += 2) {
        $tree->insert_network($records->[$i], $records->[ $i + 1 ]);
    }
    open my $out, '>:raw', "$folder/$file" or die "$folder/$file: $!\n";
    $tree->write_tree($out);
    close $out or die "$folder/$file: $!\n";
}

sub as {
    my ($number, $name) = @_;
    my %record = (autonomous_system_number => $number);
    $record{autonomous_system_organization} = $name if defined $name;
    return \%record;
}

my @four = (
    '0.0.0.0/32'         => as(64502, 'First Address'),
    '1.0.0.0/24'         => as(13335, 'Cloudflare'),
    '8.8.8.0/24'         => as(15169, 'Google LLC'),
    '8.8.8.128/25'       => as(4294967294, 'Org, with "quotes" and Réseau'),
    '175.45.176.0/22'    => as(131279, 'Star JV'),
    '203.0.113.7/32'     => as(64500),
    '203.0.113.8/32'     => { other => 'no number' },
    '255.255.255.255/32' => as(64501, 'Last Address'),
);
my @six = (
    '2001:4860::/32'      => as(15169, 'Google LLC'),
    '2400:cb00::/32'      => as(13335, 'Cloudflare'),
    '2400:cb00:1234::/48' => as(64503, "Control\tCharacter"),
    '2400:cb00:1234:5678:9abc:def0:1234:5678/128' => as(64505, 'Host'),
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128' => as(64504, 'Last Six'),
);

write_database("asn-$_.mmdb", 'GeoLite2-ASN', [ @four, @six ], record_size => $_) for 24, 28, 32;
write_database('asn-ipv4.mmdb', 'GeoLite2-ASN', \@four, ip_version => 4);
write_database('asn-no-alias.mmdb', 'GeoLite2-ASN', [ @four, @six ], alias_ipv6_to_ipv4 => 0);
# A tree that ends above ::/96: one record covers all of IPv4.
write_database(
    'asn-default.mmdb', 'GeoLite2-ASN', [ '::/1' => as(64506, 'Low Half'), '8000::/1' => as(64507, 'High Half') ],
    alias_ipv6_to_ipv4 => 0
);
write_database(
    'ipinfo.mmdb',
    'ipinfo standard_asn.mmdb',
    [
        '8.8.8.0/24'      => { asn => 'AS15169',  name => 'Google LLC', country_code => 'US' },
        '175.45.176.0/22' => { asn => '131279',   as_name => 'Star JV', country_code => 'kp' },
        '1.0.0.0/24'      => { asn => '',         name => '',           country_code => '' },
        '2001:4860::/32'  => { asn => 'as15169',  name => 'Google LLC', country_code => 'US' },
    ],
);
write_database(
    'number.mmdb', 'numbers',
    [ '8.8.8.0/24' => { asn => 15169, as_name => 'Google LLC' }, '9.9.9.0/24' => { asn => 0, as_name => 'nobody' } ],
    types => { asn => 'uint32' },
);
write_database(
    'country.mmdb',
    'GeoLite2-Country',
    [
        '8.8.8.0/24'       => { country => { iso_code => 'US' }, registered_country => { iso_code => 'DE' } },
        '175.45.176.0/22'  => { registered_country => { iso_code => 'KP' } },
        '175.45.178.0/24'  => { country => { iso_code => 'CN' } },
        '210.52.109.0/24'  => { country => { iso_code => 'KP' } },
        '9.9.9.0/24'       => { country => { other => 'no code' } },
        '2400:cb00::/33'   => { country => { iso_code => 'KP' } },
    ],
);
write_database(
    'country-string.mmdb', 'ipinfo country', [ '8.8.8.0/24' => { country => 'US' }, '9.9.9.0/24' => { country => 'Peru' } ],
    types => { country => 'utf8_string' },
);

# Refused: no field, or a field of the wrong type.
write_database('none.mmdb', 'Other', [ '8.8.8.0/24' => { other => 'x' } ]);
write_database('wrong-map.mmdb', 'Wrong', [ '8.8.8.0/24' => { asn => { other => 'x' } } ], types => { asn => 'map' });
write_database('wrong-text.mmdb', 'Wrong', [ '8.8.8.0/24' => { asn => 'ASfoo' } ]);
write_database('wrong-range.mmdb', 'Wrong', [ '8.8.8.0/24' => { asn => 'AS4294967296' } ]);
write_database(
    'wrong-name.mmdb', 'Wrong',
    [ '8.8.8.0/24' => { autonomous_system_number => 15169, autonomous_system_organization => 7 } ],
    types => { autonomous_system_organization => 'uint32' },
);
write_database(
    'wrong-country.mmdb', 'Wrong', [ '8.8.8.0/24' => { country_code => 7 } ],
    types => { country_code => 'uint32' },
);
