
/*
 * The files of the journal.
 */


#include "ngx_llm_state_file.h"


#define NGX_LLM_STATE_ALERT_EVERY  60      /* seconds */


/*
 * What a thread is told, and tells.  It may outlive the configuration, so
 * that all of it is here.
 */

typedef struct {
    ngx_fd_t      fd;
    ngx_err_t     err;             /* 0: it took the journal's place */
    u_char        dir[NGX_MAX_PATH];
    u_char        path[NGX_MAX_PATH];
    u_char        temp[NGX_MAX_PATH];
    ngx_uint_t    busy;            /* of this thread: asked for */
    ngx_atomic_t  done;            /* of the other one */
} ngx_llm_state_commit_t;


static void ngx_llm_state_file_failed(ngx_llm_state_dir_t *d, ngx_err_t err,
    const char *what, ngx_str_t *name);
static ngx_int_t ngx_llm_state_file_detach(ngx_llm_state_commit_t *c);
static void *ngx_llm_state_file_sync(void *data);


static ngx_llm_state_commit_t  ngx_llm_state_commit;

ngx_int_t
ngx_llm_state_file_read(ngx_llm_state_dir_t *d, ngx_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    text->data = NULL;
    text->len = 0;

    fd = ngx_open_file(d->path.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_EMERG, d->log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", &d->path);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        ngx_log_error(NGX_LOG_EMERG, d->log, ngx_errno,
                      "\"%V\" is not a regular file", &d->path);
        goto failed;
    }

    text->data = ngx_alloc((size_t) ngx_file_size(&fi) + 1, d->log);
    if (text->data == NULL) {
        goto failed;
    }

    while (text->len < (size_t) ngx_file_size(&fi)) {

        n = ngx_read_fd(fd, text->data + text->len,
                        (size_t) ngx_file_size(&fi) - text->len);

        if (n == -1) {
            ngx_log_error(NGX_LOG_EMERG, d->log, ngx_errno,
                          ngx_read_fd_n " \"%V\" failed", &d->path);
            goto failed;
        }

        if (n == 0) {
            break;
        }

        text->len += n;
    }

    (void) ngx_close_file(fd);

    return NGX_OK;

failed:

    if (text->data) {
        ngx_free(text->data);
    }

    (void) ngx_close_file(fd);

    return NGX_ERROR;
}


void
ngx_llm_state_file_aside(ngx_llm_state_dir_t *d, const char *why,
    ngx_str_t *name)
{
    u_char            *p;
    size_t             size;
    ngx_uint_t         n;
    ngx_file_info_t    fi;

    static u_char      aside[NGX_MAX_PATH];

    name->data = aside;
    size = sizeof(aside) - 1;
    n = 0;

    /* two of one second are kept both */

    do {
        p = ngx_snprintf(aside, size, "%V.%s.%T", &d->path, why, ngx_time());

        if (n) {
            p = ngx_snprintf(p, size - (p - aside), ".%ui", n);
        }

        *p = '\0';
        name->len = p - aside;

    } while (++n < 100 && ngx_file_info(aside, &fi) != NGX_FILE_ERROR);

    if (ngx_rename_file(d->path.data, aside) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, d->log, ngx_errno,
                      ngx_rename_file_n " \"%V\" to \"%V\" failed", &d->path,
                      name);
    }
}


ngx_int_t
ngx_llm_state_file_open(ngx_llm_state_dir_t *d, ngx_llm_state_file_t *f,
    uint64_t id, off_t size)
{
    ngx_file_info_t  fi;

    f->fd = open((char *) d->path.data, O_WRONLY|O_CLOEXEC);

    if (f->fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    if (ngx_fd_info(f->fd, &fi) == NGX_FILE_ERROR
        || ngx_file_uniq(&fi) != id
        || ngx_file_size(&fi) < size
        || ftruncate(f->fd, size) == -1)
    {
        ngx_llm_state_file_close(d, f);
        return NGX_DECLINED;
    }

    f->id = id;
    f->size = size;

    return NGX_OK;
}


uint64_t
ngx_llm_state_file_id(ngx_llm_state_dir_t *d)
{
    ngx_file_info_t  fi;

    return ngx_file_info(d->path.data, &fi) == NGX_FILE_ERROR
           ? 0 : ngx_file_uniq(&fi);
}


ngx_int_t
ngx_llm_state_file_create(ngx_llm_state_dir_t *d, ngx_llm_state_file_t *f,
    ngx_cycle_t *cycle)
{
    ngx_file_info_t  fi;

    /* what a killed writer left; not written to, somebody may still do so */

    (void) ngx_delete_file(d->temp.data);

    f->fd = open((char *) d->temp.data,
                 O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (f->fd == NGX_INVALID_FILE) {
        ngx_llm_state_file_failed(d, ngx_errno, ngx_open_file_n, &d->temp);
        return NGX_ERROR;
    }

    if (ngx_llm_state_file_give(f->fd, cycle) != NGX_OK
        || ngx_fd_info(f->fd, &fi) == NGX_FILE_ERROR)
    {
        ngx_llm_state_file_failed(d, ngx_errno, "chown()", &d->temp);
        ngx_llm_state_file_close(d, f);
        return NGX_ERROR;
    }

    f->id = ngx_file_uniq(&fi);
    f->size = 0;

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_file_give(ngx_fd_t fd, ngx_cycle_t *cycle)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT) {
        return NGX_OK;
    }

    return fchown(fd, ccf->user, (gid_t) -1) == -1 ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_llm_state_file_append(ngx_llm_state_dir_t *d, ngx_llm_state_file_t *f,
    u_char *p, size_t len)
{
    size_t     done;
    ssize_t    n;
    ngx_err_t  err;

    for (done = 0; done < len; done += n) {

        n = pwrite(f->fd, p + done, len - done, f->size + done);

        if (n > 0) {
            continue;
        }

        err = (n == -1) ? ngx_errno : NGX_ENOSPC;
        n = 0;

        if (err == NGX_EINTR) {
            continue;
        }

        ngx_llm_state_file_failed(d, err, "pwrite()", &d->path);

        /* the next one is written over it, but there may be none */

        if (ftruncate(f->fd, f->size) == -1) {
            ngx_log_error(NGX_LOG_ALERT, d->log, ngx_errno,
                          "ftruncate() of the journal in \"%V\" failed",
                          &d->dir);
        }

        return NGX_ERROR;
    }

    f->size += len;

    return NGX_OK;
}


void
ngx_llm_state_file_close(ngx_llm_state_dir_t *d, ngx_llm_state_file_t *f)
{
    if (f->fd == NGX_INVALID_FILE) {
        return;
    }

    if (ngx_close_file(f->fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, d->log, ngx_errno,
                      ngx_close_file_n " of the journal in \"%V\" failed",
                      &d->dir);
    }

    f->fd = NGX_INVALID_FILE;
}


void
ngx_llm_state_file_discard(ngx_llm_state_dir_t *d, ngx_llm_state_file_t *f)
{
    if (f->fd == NGX_INVALID_FILE) {
        return;
    }

    ngx_llm_state_file_close(d, f);

    (void) ngx_delete_file(d->temp.data);
}


ngx_int_t
ngx_llm_state_file_commit(ngx_llm_state_dir_t *d, ngx_llm_state_file_t *f,
    ngx_uint_t wait)
{
    ngx_llm_state_commit_t  *c;

    c = &ngx_llm_state_commit;

    if (c->busy && !c->done) {
        return NGX_BUSY;
    }

    /* its own descriptor: ours may be closed before it is done */

    c->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);

    if (c->fd == NGX_INVALID_FILE) {
        ngx_llm_state_file_failed(d, ngx_errno, "fcntl(F_DUPFD_CLOEXEC)",
                                  &d->temp);
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(c->dir, d->dir.data, NGX_MAX_PATH);
    (void) ngx_cpystrn(c->path, d->path.data, NGX_MAX_PATH);
    (void) ngx_cpystrn(c->temp, d->temp.data, NGX_MAX_PATH);

    c->err = 0;
    c->done = 0;
    c->busy = 1;

    if (wait || ngx_llm_state_file_detach(c) != NGX_OK) {
        (void) ngx_llm_state_file_sync(c);
    }

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_file_committed(ngx_llm_state_dir_t *d)
{
    ngx_llm_state_commit_t  *c;

    c = &ngx_llm_state_commit;

    if (!c->done) {
        return NGX_AGAIN;
    }

    ngx_memory_barrier();

    c->busy = 0;

    if (c->err) {
        ngx_llm_state_file_failed(d, c->err, "fsync() or rename()", &d->temp);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_llm_state_file_detach(ngx_llm_state_commit_t *c)
{
#if (NGX_THREADS)

    int             rc;
    sigset_t        all, old;
    pthread_t       tid;
    pthread_attr_t  attr;

    if (pthread_attr_init(&attr) != 0) {
        return NGX_ERROR;
    }

    /* signals are the worker's */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, &old);

    (void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);

    rc = pthread_create(&tid, &attr, ngx_llm_state_file_sync, c);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void) pthread_attr_destroy(&attr);

    return rc == 0 ? NGX_OK : NGX_ERROR;

#else

    return NGX_ERROR;

#endif
}


/* may run in a thread: system calls only */

static void *
ngx_llm_state_file_sync(void *data)
{
    ngx_llm_state_commit_t *c = data;

    int  dir;

    if (fsync(c->fd) == -1
        || rename((char *) c->temp, (char *) c->path) == -1)
    {
        c->err = errno;

    } else {

        dir = open((char *) c->dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

        if (dir != -1) {
            (void) fsync(dir);
            (void) close(dir);
        }
    }

    (void) close(c->fd);

    ngx_memory_barrier();
    c->done = 1;

    return NULL;
}


static void
ngx_llm_state_file_failed(ngx_llm_state_dir_t *d, ngx_err_t err,
    const char *what, ngx_str_t *name)
{
    time_t         now;

    static time_t  told;

    now = ngx_time();

    if (told && now - told < NGX_LLM_STATE_ALERT_EVERY) {
        return;
    }

    told = now;

    ngx_log_error(NGX_LOG_ALERT, d->log, err,
                  "%s \"%V\" failed, the zone's state is not saved", what,
                  name);
}
