
/*
 * A line log whose buffers lie in the zone.
 *
 * A buffer belongs to one worker, which alone writes to it and needs no lock
 * for that, unless a line is part of a change of the zone: len decides.  A
 * worker that was killed leaves it as it was; whoever starts next takes it
 * over under the zone's lock and writes its lines out.  Since the length is
 * published after the bytes, what is found there are always whole lines.  A
 * worker that is killed between write() and the note of it has these lines
 * written twice: for a ledger better than never.
 */


#include "ngx_llm_log.h"

#include <ngx_event.h>


#define NGX_LLM_LOG_ROOT         "log"
#define NGX_LLM_LOG_ALERT_EVERY  60      /* seconds */


typedef struct ngx_llm_log_buf_s  ngx_llm_log_buf_t;

struct ngx_llm_log_buf_s {
    ngx_llm_log_buf_t   *next;
    ngx_pid_t            owner;     /* 0: nobody's */
    size_t               size;
    volatile size_t      pos;       /* from pos to len is to be written; */
    volatile size_t      len;       /* pos >= len: nothing */
    u_char               data[1];
};


/* the zone's root, or a private one */

typedef struct {
    ngx_llm_log_buf_t   *bufs;
    ngx_atomic_t         broken;    /* the file ends in half a line */
} ngx_llm_log_sh_t;


struct ngx_llm_log_s {
    ngx_open_file_t     *file;
    ngx_llm_log_buf_t   *buf;       /* NULL: not started, or no buffer */
    ngx_llm_log_sh_t    *sh;
    ngx_llm_zone_t      *zone;      /* NULL: buf is private */
    ngx_llm_log_sh_t     private;

    size_t               size;
    ngx_msec_t           flush;
    ngx_event_t          timer;

    ngx_uint_t           dropped;   /* lines, not told of yet */
    time_t               failed;    /* when a write failed last */
    time_t               alerted;
    time_t               told;
};


static ngx_llm_log_buf_t *ngx_llm_log_take(ngx_llm_log_t *log,
    ngx_llm_zone_t *zone);
static ngx_llm_log_buf_t *ngx_llm_log_adopt(ngx_llm_log_t *log);
static void ngx_llm_log_release(ngx_llm_log_t *log, ngx_llm_log_buf_t *b);
static void ngx_llm_log_inherit(ngx_llm_log_t *log);
static ngx_int_t ngx_llm_log_drain(ngx_llm_log_t *log, ngx_llm_log_buf_t *b);
static void ngx_llm_log_compact(ngx_llm_log_t *log, ngx_llm_log_buf_t *b);
static size_t ngx_llm_log_put(ngx_llm_log_t *log, u_char *p, size_t len);
static void ngx_llm_log_failed(ngx_llm_log_t *log, ngx_err_t err);
static void ngx_llm_log_tell(ngx_llm_log_t *log);
static void ngx_llm_log_arm(ngx_llm_log_t *log);
static void ngx_llm_log_timer_handler(ngx_event_t *ev);
static void ngx_llm_log_reopen(ngx_open_file_t *file, ngx_log_t *error_log);


ngx_llm_log_t *
ngx_llm_log_add(ngx_conf_t *cf, ngx_str_t *path, size_t buffer,
    ngx_msec_t flush)
{
    ngx_llm_log_t    *log;
    ngx_open_file_t  *file;

    if (path->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "log file is not named");
        return NULL;
    }

    file = ngx_conf_open_file(cf->cycle, path);
    if (file == NULL) {
        return NULL;
    }

    if (file->flush || file->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" is already used by another log", path);
        return NULL;
    }

    log = ngx_pcalloc(cf->pool, sizeof(ngx_llm_log_t));
    if (log == NULL) {
        return NULL;
    }

    log->file = file;
    log->sh = &log->private;
    log->size = buffer;
    log->flush = flush;

    file->flush = ngx_llm_log_reopen;
    file->data = log;

    return log;
}


ngx_int_t
ngx_llm_log_start(ngx_llm_log_t *log, ngx_llm_zone_t *zone,
    ngx_cycle_t *cycle)
{
    ngx_llm_log_sh_t  *sh;

    /* the cache manager and loader log nothing */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    log->timer.handler = ngx_llm_log_timer_handler;
    log->timer.data = log;
    log->timer.log = cycle->log;
    log->timer.cancelable = 1;

    if (zone) {
        sh = ngx_llm_zone_root(zone, NGX_LLM_LOG_ROOT,
                               sizeof(ngx_llm_log_sh_t));

        if (sh) {
            log->sh = sh;
            log->zone = zone;

            ngx_llm_log_inherit(log);
        }
    }

    if (log->size == 0) {
        return NGX_OK;
    }

    if (log->zone) {
        log->buf = ngx_llm_log_take(log, zone);

        if (log->buf) {
            return NGX_OK;
        }
    }

    if (zone) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "no room in the zone to buffer \"%V\", "
                      "lines of a killed worker will be lost",
                      &log->file->name);
    }

    log->zone = NULL;

    log->buf = ngx_palloc(cycle->pool,
                          offsetof(ngx_llm_log_buf_t, data) + log->size);
    if (log->buf == NULL) {
        return NGX_ERROR;
    }

    log->buf->next = NULL;
    log->buf->owner = ngx_pid;
    log->buf->size = log->size;
    log->buf->pos = 0;
    log->buf->len = 0;

    return NGX_OK;
}


void
ngx_llm_log_stop(ngx_llm_log_t *log)
{
    ngx_llm_log_buf_t  *b;

    if (log->timer.timer_set) {
        ngx_del_timer(&log->timer);
    }

    b = log->buf;

    if (b == NULL) {
        ngx_llm_log_tell(log);
        return;
    }

    (void) ngx_llm_log_drain(log, b);

    ngx_llm_log_tell(log);

    /* what comes after is written at once */

    log->buf = NULL;

    if (log->zone) {
        ngx_llm_log_release(log, b);
        return;
    }

    if (b->pos < b->len) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "%uz bytes of \"%V\" are lost", b->len - b->pos,
                      &log->file->name);
    }
}


static ngx_llm_log_buf_t *
ngx_llm_log_take(ngx_llm_log_t *log, ngx_llm_zone_t *zone)
{
    ngx_llm_log_buf_t  *b;

    ngx_llm_zone_lock(zone);

    b = ngx_llm_zone_alloc_locked(zone, offsetof(ngx_llm_log_buf_t, data)
                                        + log->size);
    if (b) {
        b->owner = ngx_pid;
        b->size = log->size;
        b->pos = 0;
        b->len = 0;

        b->next = log->sh->bufs;
        ngx_memory_barrier();
        log->sh->bufs = b;
    }

    ngx_llm_zone_unlock(zone);

    return b;
}


/* a buffer whose owner is gone, made ours; NULL: there is no other */

static ngx_llm_log_buf_t *
ngx_llm_log_adopt(ngx_llm_log_t *log)
{
    ngx_llm_log_buf_t  *b;

    ngx_llm_zone_lock(log->zone);

    for (b = log->sh->bufs; b; b = b->next) {

        if (b->owner == 0) {
            break;
        }

        /*
         * The buffer of a former process with our number is found here too:
         * we have none of our own yet.
         */

        if (b->owner == ngx_pid) {
            break;
        }

        if (kill(b->owner, 0) == -1 && ngx_errno == ESRCH) {
            break;
        }
    }

    if (b) {
        b->owner = ngx_pid;
    }

    ngx_llm_zone_unlock(log->zone);

    return b;
}


/* frees a buffer of ours; if lines are left in it the next worker tries */

static void
ngx_llm_log_release(ngx_llm_log_t *log, ngx_llm_log_buf_t *b)
{
    ngx_llm_log_buf_t  **p;

    ngx_llm_zone_lock(log->zone);

    if (b->pos < b->len) {
        b->owner = 0;

    } else {

        for (p = &log->sh->bufs; *p; p = &(*p)->next) {
            if (*p == b) {
                *p = b->next;
                ngx_llm_zone_free_locked(log->zone, b);
                break;
            }
        }
    }

    ngx_llm_zone_unlock(log->zone);
}


/*
 * Two workers that start at once share the orphans between them.  Writing is
 * done without the lock.
 */

static void
ngx_llm_log_inherit(ngx_llm_log_t *log)
{
    ngx_int_t           rc;
    ngx_llm_log_buf_t  *b;

    for ( ;; ) {
        b = ngx_llm_log_adopt(log);

        if (b == NULL) {
            return;
        }

        if (b->pos < b->len) {
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "writing %uz bytes to \"%V\" for a worker "
                          "that is gone", b->len - b->pos, &log->file->name);
        }

        rc = ngx_llm_log_drain(log, b);

        ngx_llm_log_release(log, b);

        if (rc != NGX_OK) {
            return;
        }
    }
}


void
ngx_llm_log_write(ngx_llm_log_t *log, u_char *line, size_t len)
{
    ngx_llm_log_buf_t  *b;

    if (ngx_llm_log_prepare(log, line, len) == NGX_OK) {
        b = log->buf;

        ngx_memory_barrier();
        b->len += len;

        ngx_llm_log_committed(log);

        return;
    }

    /* one that the buffer has no room for now is dropped */

    if ((log->buf == NULL || len > log->buf->size)
        && log->failed != ngx_time()
        && ngx_llm_log_put(log, line, len) == len)
    {
        return;
    }

    log->dropped++;

    if (ngx_time() - log->told >= NGX_LLM_LOG_ALERT_EVERY) {
        ngx_llm_log_tell(log);
    }
}


ngx_int_t
ngx_llm_log_prepare(ngx_llm_log_t *log, u_char *line, size_t len)
{
    ngx_llm_log_buf_t  *b;

    b = log->buf;

    if (b && len > b->size - b->len) {
        ngx_llm_log_flush(log);

        if (len > b->size - b->len) {
            ngx_llm_log_compact(log, b);
        }
    }

    if (b == NULL || len > b->size - b->len) {
        return NGX_DECLINED;
    }

    ngx_memcpy(b->data + b->len, line, len);

    return NGX_OK;
}


void
ngx_llm_log_commit(ngx_llm_log_t *log, size_t len)
{
    ngx_llm_log_buf_t  *b;

    b = log->buf;

    if (log->zone) {
        ngx_llm_zone_save(log->zone, (void *) &b->len, sizeof(size_t));
    }

    b->len += len;
}


void
ngx_llm_log_committed(ngx_llm_log_t *log)
{
    ngx_llm_log_arm(log);
}


/*
 * A file that could not be written is not tried more than once a second: a
 * full disk must not cost a request a system call for each line.
 */

void
ngx_llm_log_flush(ngx_llm_log_t *log)
{
    if (log->buf == NULL || log->failed == ngx_time()) {
        return;
    }

    (void) ngx_llm_log_drain(log, log->buf);

    if (log->timer.timer_set) {
        ngx_del_timer(&log->timer);
    }

    ngx_llm_log_arm(log);
}


/* NGX_OK: the buffer is empty; NGX_ERROR: the rest stays in it */

static ngx_int_t
ngx_llm_log_drain(ngx_llm_log_t *log, ngx_llm_log_buf_t *b)
{
    size_t  n;

    if (b->len > b->size) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "buffer of \"%V\" is damaged", &log->file->name);
        b->len = 0;
    }

    if (b->pos < b->len) {

        n = ngx_llm_log_put(log, b->data + b->pos, b->len - b->pos);

        b->pos += n;

        if (b->pos < b->len) {
            return NGX_ERROR;
        }
    }

    /* in this order no old line comes back, whenever we are killed */

    b->len = 0;
    ngx_memory_barrier();
    b->pos = 0;

    return NGX_OK;
}


/*
 * What a full disk left in the buffer makes room for new lines, as long as a
 * worker that is killed here leaves either the old place of it or the new one.
 */

static void
ngx_llm_log_compact(ngx_llm_log_t *log, ngx_llm_log_buf_t *b)
{
    size_t  n;

    n = b->len - b->pos;

    if (n > b->pos) {
        return;
    }

    if (log->zone) {
        ngx_llm_zone_lock(log->zone);
        ngx_llm_zone_save(log->zone, (void *) &b->pos, sizeof(size_t));
        ngx_llm_zone_save(log->zone, (void *) &b->len, sizeof(size_t));
    }

    ngx_memcpy(b->data, b->data + b->pos, n);
    ngx_memory_barrier();

    b->len = n;
    b->pos = 0;

    if (log->zone) {
        ngx_llm_zone_done(log->zone);
        ngx_llm_zone_unlock(log->zone);
    }
}


/*
 * Writes whole lines, returns how many bytes of them are surely in the file:
 * less than asked for on an error.  The file is shared by all workers, so
 * that half a line cannot be taken back or completed: the next line of
 * whichever worker starts on a line of its own, and the broken one is written
 * again whole.
 */

static size_t
ngx_llm_log_put(ngx_llm_log_t *log, u_char *p, size_t len)
{
    size_t     done;
    ssize_t    n;
    ngx_err_t  err;

    if (log->sh->broken) {

        if (ngx_write_fd(log->file->fd, "\n", 1) != 1) {
            ngx_llm_log_failed(log, ngx_errno);
            return 0;
        }

        log->sh->broken = 0;
    }

    done = 0;

    while (done < len) {

        n = ngx_write_fd(log->file->fd, p + done, len - done);

        if (n > 0) {
            done += n;
            continue;
        }

        err = (n == -1) ? ngx_errno : 0;

        if (err == NGX_EINTR) {
            continue;
        }

        ngx_llm_log_failed(log, err);
        break;
    }

    if (done == len) {
        return done;
    }

    while (done && p[done - 1] != LF) {
        log->sh->broken = 1;
        done--;
    }

    return done;
}


static void
ngx_llm_log_failed(ngx_llm_log_t *log, ngx_err_t err)
{
    log->failed = ngx_time();

    if (log->failed - log->alerted < NGX_LLM_LOG_ALERT_EVERY) {
        return;
    }

    log->alerted = log->failed;

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, err,
                  ngx_write_fd_n " to \"%V\" failed", &log->file->name);
}


/* tells how many lines were dropped since it was told last */

static void
ngx_llm_log_tell(ngx_llm_log_t *log)
{
    if (log->dropped == 0) {
        return;
    }

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "%ui lines of \"%V\" were dropped", log->dropped,
                  &log->file->name);

    log->dropped = 0;
    log->told = ngx_time();
}


static void
ngx_llm_log_arm(ngx_llm_log_t *log)
{
    if (log->flush == 0
        || log->timer.timer_set
        || log->buf->pos >= log->buf->len)
    {
        return;
    }

    ngx_add_timer(&log->timer, log->flush);
}


static void
ngx_llm_log_timer_handler(ngx_event_t *ev)
{
    ngx_llm_log_t *log = ev->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "llm log flush \"%V\"", &log->file->name);

    ngx_llm_log_flush(log);

    /* a second without tries leaves lines behind */

    if (log->buf) {
        ngx_llm_log_arm(log);
    }

    if (ngx_time() - log->told >= NGX_LLM_LOG_ALERT_EVERY) {
        ngx_llm_log_tell(log);
    }
}


/* nginx calls it before the file is opened anew; in the master buf is NULL */

static void
ngx_llm_log_reopen(ngx_open_file_t *file, ngx_log_t *error_log)
{
    ngx_llm_log_t *log = file->data;

    if (log->buf) {
        (void) ngx_llm_log_drain(log, log->buf);
    }

    /* the new file may do */

    log->failed = 0;
}
