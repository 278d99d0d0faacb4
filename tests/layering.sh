#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# layering.sh SOURCE_ROOT BUILD_ROOT: the data flow is the build order. With the flags that each library is built with,
# its sources see the headers of the libraries before it and its own, and none of those behind; and no include leaves
# its folder by a path.
set -euo pipefail

source_root=$1
build_root=$2
commands=$build_root/compile_commands.json
[[ -r $commands ]] || {
	echo "layering: $commands is missing: meson setup writes it"
	exit 1
}
probe=$(mktemp --suffix=.c)
trap 'rm -f "$probe"' EXIT
failed=0

mapfile -t layers < <(sed -n "s/^subdir('\(lib\/[a-z]*\|app\)')/\1/p" "$source_root/meson.build")
((${#layers[@]} >= 2)) || {
	echo "layering: meson.build names no layers"
	exit 1
}

# The flags of a layer's first source: the command up to where it names outputs.
flags_of() {
	sed -n 's/^ *"command": "\(.*\)",\?$/\1/p' "$commands" | grep -F -- "/$1/" | grep -m 1 "[/ ]$1/[a-z_]*\.c\$" |
		sed 's/ -M[DQF] .*//; s/\\"/"/g'
}

for own in "${!layers[@]}"; do
	command=$(flags_of "${layers[own]}") || true
	[[ -n $command ]] || {
		echo "layering: compile_commands.json has nothing of ${layers[own]}"
		exit 1
	}
	: > "$probe"
	for other in "${!layers[@]}"; do
		for header in "$source_root/${layers[other]}"/*.h; do
			name=$(basename "$header")
			# A folder's private headers are for it alone, but the path cannot tell; see below.
			if ((other <= own)); then
				printf '#if !__has_include("%s")\n#error "%s does not see %s"\n#endif\n' \
					"$name" "${layers[own]}" "$name" >> "$probe"
			else
				printf '#if __has_include("%s")\n#error "%s sees %s, against the flow"\n#endif\n' \
					"$name" "${layers[own]}" "$name" >> "$probe"
			fi
		done
	done
	# The commands quote for the shell.
	if ! (cd "$build_root" && eval "$command -I'$source_root/${layers[own]}' -fsyntax-only -x c '$probe'") 2>&1 |
		sed -n 's/.*#error "\(.*\)"/layering: \1/p' > "$probe.out"; then
		[[ -s $probe.out ]] || echo "layering: ${layers[own]}: the compiler failed" > "$probe.out"
	fi
	if [[ -s $probe.out ]]; then
		cat "$probe.out"
		failed=1
	fi
	rm -f "$probe.out"
	echo "layering: ${layers[own]}: $(grep -c '^#if' "$probe") headers tried"
done

if grep -rnE '^ *# *include +"[^"]*/' "$source_root/lib" "$source_root/app" --include='*.[ch]'; then
	echo "layering: the includes above have a path: the folder decides what is seen"
	failed=1
fi
for header in "$source_root"/lib/*/*_priv.h; do
	layer=$(dirname "$header")
	if grep -rnF "\"$(basename "$header")\"" "$source_root/lib" "$source_root/app" --include='*.[ch]' | grep -vF "$layer/"; then
		echo "layering: $(basename "$header") is private to ${layer#"$source_root"/}"
		failed=1
	fi
done
exit "$failed"
