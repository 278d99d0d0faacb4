/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Who may ask, and how the server proves who it is: files, read at the start and again on request.
 *
 * All of them are read and tried before the first is replaced. Connections go on: a request is held against what is in
 * force when it comes, and a TLS handshake gets a certificate of its own, made for it from the text in force, which
 * GnuTLS frees behind it. So nothing has to outlive a replacement.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gnutls/abstract.h>

#include "tw_http_priv.h"

enum {
	FILE_MAX = 1 << 20,
	CHAIN_MAX = 16, /* certificates in a file */
};

/* GnuTLS gives a callback no argument: of servers with TLS there is one a process. */
static _Atomic(struct tw_http *) tls_server;

/* ---- who may ---- */

/* Takes the same time wherever two texts differ. */
static bool same(const char *given, const char *right)
{
	size_t n = strlen(given), m = strlen(right);
	unsigned int differ = n != m;

	for (size_t i = 0; i < n; i++)
		differ |= (unsigned int)((unsigned char)given[i] ^
					 (unsigned char)right[m > 0 ? i % m : 0]);
	return differ == 0;
}

static bool has_password(const struct tw_secrets *secrets, struct MHD_Connection *connection)
{
	char *password = NULL, *user = MHD_basic_auth_get_username_password(connection, &password);
	bool result = user != NULL && password != NULL &&
		      same(user, secrets->user) & same(password, secrets->password);

	MHD_free(user);
	MHD_free(password);
	return result;
}

bool tw_http_may(struct tw_http *http, struct MHD_Connection *connection)
{
	const struct tw_secrets *secrets = &http->secrets;
	const char *header = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	bool result;

	pthread_mutex_lock(&http->secrets_lock);
	if (secrets->token == NULL && secrets->user == NULL)
		result = true;
	else if (secrets->token != NULL && header != NULL && strncasecmp(header, "Bearer ", 7) == 0)
		result = same(header + 7, secrets->token);
	else
		result = secrets->user != NULL && has_password(secrets, connection);
	pthread_mutex_unlock(&http->secrets_lock);
	return result;
}

/* ---- TLS ---- */

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned int)strlen(text)};
}

/* Tries what is to be served with. */
static int try_pair(
	const struct tw_secrets *secrets, const struct tw_http_config *config, struct tw_diag *diag)
{
	gnutls_datum_t certificate = datum(secrets->certificate), key = datum(secrets->key);
	gnutls_certificate_credentials_t credentials;
	int err = gnutls_certificate_allocate_credentials(&credentials);

	if (err == 0) {
		err = gnutls_certificate_set_x509_key_mem(
			credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
		gnutls_certificate_free_credentials(credentials);
	}
	return err >= 0 ? 0
			: tw_diag_add(diag, -EINVAL,
				  "http.certificate: %s: cannot be served with %s: %s: check "
				  "certificate and key: both PEM, and one made for the other",
				  config->certificate, config->key, gnutls_strerror(err));
}

static int import(const struct tw_secrets *secrets, gnutls_pcert_st *chain, unsigned int *length,
	gnutls_privkey_t *key)
{
	gnutls_datum_t text = datum(secrets->certificate), key_text = datum(secrets->key);
	int err = gnutls_privkey_init(key);

	if (err < 0)
		return err;
	err = gnutls_privkey_import_x509_raw(*key, &key_text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (err >= 0)
		err = gnutls_pcert_list_import_x509_raw(
			chain, length, &text, GNUTLS_X509_FMT_PEM, 0);
	if (err < 0)
		gnutls_privkey_deinit(*key);
	return err;
}

int tw_http_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **certificates, unsigned int *length, gnutls_ocsp_data_st **ocsp,
	unsigned int *ocsp_length, gnutls_privkey_t *key, unsigned int *flags)
{
	struct tw_http *http = atomic_load(&tls_server);
	gnutls_pcert_st *chain = gnutls_calloc(CHAIN_MAX, sizeof(*chain));
	int err = -1;

	(void)session;
	(void)info;
	*ocsp = NULL;
	*ocsp_length = 0;
	*length = CHAIN_MAX;
	if (http != NULL && chain != NULL) {
		pthread_mutex_lock(&http->secrets_lock);
		err = import(&http->secrets, chain, length, key);
		pthread_mutex_unlock(&http->secrets_lock);
	}
	if (err < 0) {
		gnutls_free(chain);
		return -1;
	}
	*certificates = chain;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}

/* ---- files ---- */

/* A file's text, without the line's end behind it. NULL with a line in *diag. */
static char *read_text(const char *path, struct tw_diag *diag)
{
	FILE *in = fopen(path, "r");
	char *text = in != NULL ? calloc(1, FILE_MAX + 1) : NULL;
	size_t n = 0;

	if (text != NULL)
		n = fread(text, 1, FILE_MAX, in);
	if (text == NULL || ferror(in) || n == 0) {
		tw_diag_add(diag, -EIO, "%s: cannot read: %s", path,
			n == 0 && errno == 0 ? "it is empty" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (in != NULL)
		fclose(in);
	while (text != NULL && n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	return text;
}

static int read_files(
	struct tw_secrets *secrets, const struct tw_http_config *config, struct tw_diag *diag)
{
	const struct {
		const char *path;
		char **text;
	} files[] = {
		{config->certificate, &secrets->certificate},
		{config->key, &secrets->key},
		{config->password_file, &secrets->password},
		{config->token_file, &secrets->token},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		errno = 0;
		if (files[i].path != NULL)
			*files[i].text = read_text(files[i].path, diag);
		if (files[i].path != NULL && *files[i].text == NULL)
			return -EIO;
	}
	secrets->user = config->user;
	return secrets->certificate != NULL ? try_pair(secrets, config, diag) : 0;
}

/* Nothing of them stays in memory that is free. */
static void wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void tw_http_forget_secrets(struct tw_secrets *secrets)
{
	wipe(secrets->certificate);
	wipe(secrets->key);
	wipe(secrets->password);
	wipe(secrets->token);
	*secrets = (struct tw_secrets){0};
}

int tw_http_reload(struct tw_http *http, struct tw_diag *diag)
{
	const struct tw_http_config *config = &http->config;
	struct tw_secrets fresh = {0}, stale;
	int err;

	if (config->certificate == NULL && config->password_file == NULL &&
		config->token_file == NULL)
		return 0;
	err = read_files(&fresh, config, diag);
	if (err != 0) {
		tw_http_forget_secrets(&fresh);
		return err;
	}
	pthread_mutex_lock(&http->secrets_lock);
	stale = http->secrets;
	http->secrets = fresh;
	pthread_mutex_unlock(&http->secrets_lock);
	tw_http_forget_secrets(&stale);
	if (config->certificate != NULL)
		atomic_store(&tls_server, http);
	return 1;
}
