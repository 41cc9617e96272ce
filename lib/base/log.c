/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Written once by tg_log_init before any thread starts. */
static const char *log_name = "tidegate";
static enum tg_log_level log_level = TG_LOG_INFO;
static int log_journal;

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int level_syslog[] = {3, 4, 6, 7};

void tg_log_init(const char *name, enum tg_log_level level)
{
	log_name = name;
	log_level = level;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

static int prefix(char *line, size_t size, enum tg_log_level level)
{
	struct timespec now;
	struct tm tm;

	if (log_journal)
		return snprintf(line, size, "<%d>%s: ", level_syslog[level], log_name);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	return snprintf(line, size,
		"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s: ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000, log_name,
		level_names[level]);
}

static void emit(enum tg_log_level level, const char *fmt, va_list ap)
{
	char line[2048];
	int used, body;
	ssize_t written;

	if (level > log_level)
		return;
	used = prefix(line, sizeof(line), level);
	body = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, fmt, ap);
	if (body < 0)
		return;
	used += body;
	if (used > (int)sizeof(line) - 2)
		used = (int)sizeof(line) - 2;
	line[used++] = '\n';
	written = write(STDERR_FILENO, line, (size_t)used);
	(void)written; /* nowhere left to report it */
}

#define LOG_FUNCTION(name, level)       \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
		va_start(ap, fmt);      \
		emit(level, fmt, ap);   \
		va_end(ap);             \
	}

LOG_FUNCTION(tg_log_err, TG_LOG_ERR)
LOG_FUNCTION(tg_log_warn, TG_LOG_WARN)
LOG_FUNCTION(tg_log_info, TG_LOG_INFO)
LOG_FUNCTION(tg_log_debug, TG_LOG_DEBUG)
