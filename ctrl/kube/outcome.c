/* SPDX-License-Identifier: BSD-3-Clause */
/* How a transfer ended, in words of ours. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client_private.h"
#include "status.h"
#include "text.h"

/* --- no (complete) answer --- */

/* By the system's error where there is one. */
static int connection_error(CURL *easy, int otherwise)
{
	long os = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os);
	switch (os) {
	case ECONNREFUSED:
	case ETIMEDOUT:
	case ECONNRESET:
		return -(int)os;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return -EHOSTUNREACH;
	default:
		return otherwise;
	}
}

/* The other end's last word in TLS was about our certificate (OpenSSL's names, RFC 8446 6.2). */
static bool is_refused_by_alert(const char *text)
{
	static const char *const names[] = {
		"certificate", "unknown ca", "access denied", "decrypt error"};
	const char *alert = strstr(text, " alert ");

	for (size_t i = 0; alert != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(alert, names[i]) != NULL)
			return true;
	return false;
}

/* OpenSSL's names for a connection that ended in the handshake. */
static bool is_hang_up(const char *text)
{
	return strstr(text, "SYSCALL") != NULL || strstr(text, "unexpected eof") != NULL;
}

static int error_of(const struct tg_kube_call *call, CURLcode code)
{
	long proxy = 0;

	curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (proxy >= 300)
		return -EHOSTUNREACH;
	if (call->refused)
		return -EKEYREJECTED;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
	case CURLE_INTERFACE_FAILED:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return connection_error(call->easy, -ECONNREFUSED);
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return -EKEYREJECTED;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return connection_error(call->easy, -ECONNRESET);
	case CURLE_SSL_CONNECT_ERROR:
		return connection_error(
			call->easy, is_hang_up(call->curl_error) ? -ECONNRESET : -EPROTO);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return -EPROTO;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_WRITE_ERROR: /* only without memory for the body of an error */
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void no_answer(struct tg_kube_call *call, CURLcode code)
{
	struct tg_kube_result *result = &call->result;

	if (call->stopped) {
		result->error = -ECANCELED;
		kube_text_line(result->why, sizeof(result->why), "stopped by its reader");
		return;
	}
	call->refused = is_refused_by_alert(call->curl_error);
	result->error = error_of(call, code);
	kube_text_line(result->why, sizeof(result->why), "%s",
		call->curl_error[0] != '\0' ? call->curl_error : curl_easy_strerror(code));
}

/* --- an answer --- */

/* The first line of an error that is a plain text, as "404 page not found". */
static void read_plain(const struct tg_kube_call *call, char message[KUBE_MESSAGE_MAX])
{
	size_t n = 0;

	if (call->body_size == 0 || call->body[0] == '{' || call->body[0] == '<')
		return;
	for (; n < call->body_size && n < KUBE_MESSAGE_MAX - 1 && call->body[n] != '\n'; n++)
		message[n] = call->body[n] >= ' ' && call->body[n] < 0x7f ? call->body[n] : '?';
	message[n] = '\0';
}

/* A server, or a proxy, that tells us our own credentials. */
static bool has_secret(const struct tg_kube_call *call, const char *message)
{
	const char *password = call->client->options.access->password;
	const char *secret = call->credentials->secret;

	return (secret != NULL && strstr(message, secret) != NULL) ||
	       (password != NULL && strstr(message, password) != NULL);
}

static void read_error(struct tg_kube_call *call)
{
	struct tg_kube_result *result = &call->result;
	char message[KUBE_MESSAGE_MAX] = "";

	if (!kube_status_parse(call->body, call->body_size, result, message))
		read_plain(call, message);
	if (result->status < 400)
		strcpy(message, "redirects are not followed");
	if (has_secret(call, message))
		strcpy(message, "(what it says has our credentials in it)");
	if (has_secret(call, result->reason))
		result->reason[0] = '\0';
	kube_text_line(result->why, sizeof(result->why), "HTTP status %u%s%s%s%s", result->status,
		result->reason[0] != '\0' ? " " : "", result->reason,
		message[0] != '\0' ? ": " : "", message);
}

static int64_t date_of(CURL *easy)
{
	struct curl_header *header;
	time_t date;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return 0;
	date = curl_getdate(header->value, NULL);
	return date > 0 ? date : 0;
}

void kube_outcome(struct tg_kube_call *call, CURLcode code)
{
	struct tg_kube_result *result = &call->result;
	curl_off_t retry_after = 0;
	long status = 0;

	memset(result, 0, sizeof(*result));
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	result->status = (unsigned int)status;
	result->date = date_of(call->easy);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
	result->retry_after_ms = kube_retry_ms(retry_after);
	if (code == CURLE_OK && !call->has_head)
		no_answer(call, CURLE_PARTIAL_FILE); /* which libcurl takes for an empty body */
	else if (code != CURLE_OK && !call->cut)
		no_answer(call, code);
	else if (status < 200 || status > 299)
		read_error(call);
}
