/* SPDX-License-Identifier: BSD-3-Clause */
/* When a certificate ends; of the two years that certificates are written with, either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pem.h"

/* openssl req -x509 -days 3650: ends with a UTCTime. */
#define SOON_AT 2110645249ll
static const char soon[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIBeTCCAR+gAwIBAgIUcNdvoPVc4ZOVi6NP7NBdTaWibuswCgYIKoZIzj0EAwIw\n"
			   "EjEQMA4GA1UEAwwHZ2F0ZXdheTAeFw0yNjExMjExODIwNDlaFw0zNjExMTgxODIw\n"
			   "NDlaMBIxEDAOBgNVBAMMB2dhdGV3YXkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
			   "AATlP1huK0w8ZA+draGuP02rhVYyC2aJjskTXUJQgPOgf+K+7KF+OhCp1wvXu+LI\n"
			   "WZwLYCGNnRMkIEy+y41/w+P6o1MwUTAdBgNVHQ4EFgQULVFKfLAWRLrRfWGgxCYr\n"
			   "6VwlCNEwHwYDVR0jBBgwFoAULVFKfLAWRLrRfWGgxCYr6VwlCNEwDwYDVR0TAQH/\n"
			   "BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAwgrZrDFAk0VckxHE9vdwcs3n9/t+\n"
			   "2TvzDwoe70iwLPMCIHE3sYLqxZ+Jjovd8WPrdGvO8ge1Iq1WV7ws6tABVWoO\n"
			   "-----END CERTIFICATE-----\n";
/* -days 36500: with a GeneralizedTime. */
#define LATE_AT 4948885249ll
static const char late[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIBfDCCASGgAwIBAgIUcXyZTsW14u+FWeBeVP6wQ41jn2gwCgYIKoZIzj0EAwIw\n"
			   "EjEQMA4GA1UEAwwHZ2F0ZXdheTAgFw0yNjExMjExODIwNDlaGA8yMTI2MTAyODE4\n"
			   "MjA0OVowEjEQMA4GA1UEAwwHZ2F0ZXdheTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
			   "A0IABOU/WG4rTDxkD52toa4/TauFVjILZomOyRNdQlCA86B/4r7soX46EKnXC9e7\n"
			   "4shZnAtgIY2dEyQgTL7LjX/D4/qjUzBRMB0GA1UdDgQWBBQtUUp8sBZEutF9YaDE\n"
			   "JivpXCUI0TAfBgNVHSMEGDAWgBQtUUp8sBZEutF9YaDEJivpXCUI0TAPBgNVHRMB\n"
			   "Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDh9kedYe7VCkj/r5eY969MJLI+\n"
			   "x5DFFaTGLxwHNtgHqgIhAJCq7mq2x6t9xNZAhkq3p9bFa2htQ6dwgd+StDOxTU6U\n"
			   "-----END CERTIFICATE-----\n";

static void ends(void **state)
{
	char both[sizeof(soon) + sizeof(late) + 16];

	assert_int_equal(kube_pem_expires_at(soon), SOON_AT);
	assert_int_equal(kube_pem_expires_at(late), LATE_AT);
	snprintf(both, sizeof(both), "Subject: x\n%s%s", late, soon);
	assert_int_equal(kube_pem_expires_at(both), LATE_AT);
}

static void what_is_no_certificate(void **state)
{
	static const char *const texts[] = {"", "-----BEGIN CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\nMIT/////\n-----END CERTIFICATE-----",
		"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
		"-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(kube_pem_expires_at(texts[i]), 0);
}

/* Cut after any number of base64 groups it is read no further than it goes. */
static void cut_short(void **state)
{
	const char *begin = soon + strlen("-----BEGIN CERTIFICATE-----\n");

	for (int n = 0; n < 160; n++) {
		char text[1024];

		snprintf(text, sizeof(text),
			"-----BEGIN CERTIFICATE-----\n%.*s\n-----END CERTIFICATE-----\n",
			n / 64 * 65 + n % 64 / 4 * 4, begin);
		assert_int_equal(kube_pem_expires_at(text), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(what_is_no_certificate),
		cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
