/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines on stderr: "<level> message\n", with the level as systemd's "<N>" prefix when the
 * process runs under systemd (JOURNAL_STREAM is set), else with a UTC time stamp and its name.
 * Thread-safe: one write() a line. Never called from dataplane/pipeline.
 */
#ifndef TG_BASE_LOG_H
#define TG_BASE_LOG_H

#include <stdarg.h>

enum tg_log_level { TG_LOG_ERR, TG_LOG_WARN, TG_LOG_INFO, TG_LOG_DEBUG };

/* Lines above `level` are not written; `name` precedes every line and is not copied. */
void tg_log_init(const char *name, enum tg_log_level level);

void tg_log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tg_log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tg_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tg_log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
