/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an API server is and who we are to it: one context of a kubeconfig (the clientcmd v1
 * Config), or what a pod finds in its service account's folder. Reads files, opens no connection.
 * Strings are owned by the access; paths of a kubeconfig are made relative to its folder.
 *
 * What counts is what client-go makes of the file, but for this:
 * - One file: KUBECONFIG's lists and their merging are for people.
 * - A field that is not known is refused where it would decide whom we talk to or who we are
 *   (the cluster, the user, its exec), as are data and file of the same thing (in client-go: by
 *   kubectl only), a CA besides insecure-skip-tls-verify, auth-provider, impersonation and exec
 *   plugins that need a terminal.
 * - Nothing secret is sent in the clear: credentials for a server whose URL says http are refused
 *   unless it is this machine (localhost, 127.0.0.0/8, ::1) and no proxy is between; client-go
 *   leaves them away without a word.
 */
#ifndef TG_KUBE_KUBECONFIG_H
#define TG_KUBE_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define TG_KUBE_FILE_MAX (1u << 20) /* bytes of a kubeconfig, certificate, key or token */

/* A secret or certificate: the text itself, or the file that it is read from each time. */
struct tg_kube_pem {
	const char *text; /* PEM, decoded from the *-data field; NULL: none */
	const char *file; /* NULL: none; never both */
};

/* user.exec: a program that prints an ExecCredential (client.authentication.k8s.io v1, v1beta1). */
struct tg_kube_exec {
	const char *api_version;
	const char *const *argv;  /* command and args; NULL ends them */
	const char *const *env;	  /* "NAME=value", besides our own environment; NULL ends them */
	const char *install_hint; /* NULL: none */
	bool provide_cluster_info;
	/* JSON: the cluster's extension "client.authentication.k8s.io/exec"; NULL: none */
	const char *cluster_config;
};

struct tg_kube_access {
	const char *server; /* "https://host:6443" or with a path; no slash at the end */
	const char
		*server_name; /* cluster.tls-server-name: what its certificate is for; NULL: host */
	const char *proxy;    /* cluster.proxy-url; NULL: none, whatever the environment says */
	bool uncompressed;    /* cluster.disable-compression */
	struct tg_kube_pem ca; /* none: what the system trusts */
	bool insecure;	       /* insecure-skip-tls-verify; refused unless `allow_insecure` */
	struct tg_kube_pem certificate, key; /* of ours; both or none */
	const char *token;
	const char *token_file; /* where both are set the file counts, as long as it can be read */
	const char *username, *password;
	const struct tg_kube_exec *exec; /* NULL: none, or one of the above is there */
};

struct tg_kube_access_options {
	const char *kubeconfig; /* path; NULL: in-cluster */
	const char *context;	/* NULL: current-context */
	bool allow_insecure; /* the configuration says in so many words that TLS is not verified */
	/* In-cluster: the service account's folder and where the server is; NULL: as pods have it
	 * (/var/run/secrets/kubernetes.io/serviceaccount, KUBERNETES_SERVICE_HOST and _PORT). */
	const char *service_account, *host, *port;
};

/*
 * 0; -EINVAL refused, with lines "file:line: path: what was expected" in *error, to be freed;
 * -errno when the kubeconfig cannot be read, with *error saying so; -ENOMEM. The files that are
 * named are tried: one that cannot be read, or is not what it should be, is refused. Never a
 * secret in *error.
 */
int tg_kube_access_load(
	const struct tg_kube_access_options *options, struct tg_kube_access **out, char **error);
/* A kubeconfig from memory; `file` names it and anchors relative paths. Opens no file. */
int tg_kube_access_parse(const struct tg_kube_access_options *options, const char *file,
	const void *text, size_t size, struct tg_kube_access **out, char **error);
void tg_kube_access_free(struct tg_kube_access *access); /* wipes secrets */

#endif
