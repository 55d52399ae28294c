
/*
 * A line log whose buffers lie in the zone: the lines of a killed worker are
 * written by the next one.
 */


#ifndef _NGX_LLM_LOG_H_INCLUDED_
#define _NGX_LLM_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_zone.h"


typedef struct ngx_llm_log_s  ngx_llm_log_t;


/*
 * Opens the file through nginx (USR1 reopens it).  buffer in bytes, 0: each
 * line is written at once.  flush in milliseconds, 0: only a full buffer is
 * written.  Logs and returns NULL on error.
 */
ngx_llm_log_t *ngx_llm_log_add(ngx_conf_t *cf, ngx_str_t *path, size_t buffer,
    ngx_msec_t flush);

/*
 * Worker start: takes a buffer in the zone, and writes out what workers that
 * are gone left in theirs.  zone may be full or NULL: then the buffer is
 * private.  One zone serves one log.  Before the start, in the master and in
 * helper processes lines are written at once.  NGX_OK, or NGX_ERROR without
 * memory: the log works then too, unbuffered.
 *
 * Worker end: writes what is buffered.
 */
ngx_int_t ngx_llm_log_start(ngx_llm_log_t *log, ngx_llm_zone_t *zone,
    ngx_cycle_t *cycle);
void ngx_llm_log_stop(ngx_llm_log_t *log);

/*
 * Appends one line (with its newline).  Lines are written whole, a full
 * buffer is written first; a line longer than the buffer goes alone.  Never
 * waits but in write(2) of a file.  While the file cannot be written the
 * buffer keeps what it holds, and lines that it has no room for are dropped
 * and counted in an alert.
 */
void ngx_llm_log_write(ngx_llm_log_t *log, u_char *line, size_t len);

/*
 * The same in three steps, for a line that is part of a change of the zone:
 * prepare() copies it behind what the buffer holds, and writes that to make
 * room.  NGX_DECLINED: this line has no place in the buffer, write() may do.
 * commit(), under the zone's lock before ngx_llm_zone_done(), adds it, and
 * committed(), without the lock, sees to its being written.
 */
ngx_int_t ngx_llm_log_prepare(ngx_llm_log_t *log, u_char *line, size_t len);
void ngx_llm_log_commit(ngx_llm_log_t *log, size_t len);
void ngx_llm_log_committed(ngx_llm_log_t *log);

void ngx_llm_log_flush(ngx_llm_log_t *log);


#endif /* _NGX_LLM_LOG_H_INCLUDED_ */
