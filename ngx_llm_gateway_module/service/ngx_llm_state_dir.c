
/*
 * The directory of the journal: whether it can be used, and by whom.
 */


#include "ngx_llm_state_file.h"

#include <sys/file.h>


#define NGX_LLM_STATE_GROUPS  128


static ngx_int_t ngx_llm_state_dir_name(ngx_conf_t *cf, ngx_str_t *dir,
    const char *file, ngx_str_t *name);
static ngx_int_t ngx_llm_state_dir_writable(u_char *dir);


/* of this process, and inherited by its children */

static struct {
    ngx_fd_t   fd;
    uint64_t   id;            /* of the lock's file */
} ngx_llm_state_locked = { NGX_INVALID_FILE, 0 };


ngx_int_t
ngx_llm_state_dir_add(ngx_conf_t *cf, ngx_llm_state_dir_t *d, ngx_str_t *dir)
{
    u_char           *slash;
    ngx_int_t         rc;
    ngx_err_t         err;
    ngx_path_t       *path;
    ngx_file_info_t   fi;

    d->dir = *dir;

    while (d->dir.len > 1 && d->dir.data[d->dir.len - 1] == '/') {
        d->dir.len--;
        d->dir.data[d->dir.len] = '\0';
    }

    if (ngx_conf_full_name(cf->cycle, &d->dir, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_llm_state_dir_name(cf, &d->dir, "llm.state", &d->path) != NGX_OK
        || ngx_llm_state_dir_name(cf, &d->dir, "llm.state.new", &d->temp)
           != NGX_OK
        || ngx_llm_state_dir_name(cf, &d->dir, "llm.lock", &d->lock)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_file_info(d->dir.data, &fi) == NGX_FILE_ERROR) {

        /* nginx makes one level, and would not say where it was asked to */

        slash = (u_char *) strrchr((char *) d->dir.data, '/');

        if (slash && slash != d->dir.data) {

            *slash = '\0';
            rc = ngx_llm_state_dir_writable(d->dir.data);
            err = ngx_errno;
            *slash = '/';

            if (rc != NGX_OK) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                                   "state directory \"%V\" cannot be made",
                                   &d->dir);
                return NGX_ERROR;
            }
        }

    } else if (!ngx_is_dir(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "state directory \"%V\" is no directory", &d->dir);
        return NGX_ERROR;

    } else if (ngx_llm_state_dir_writable(d->dir.data) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "state directory \"%V\" is not writable", &d->dir);
        return NGX_ERROR;
    }

    path = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    if (path == NULL) {
        return NGX_ERROR;
    }

    path->name = d->dir;
    path->conf_file = cf->conf_file->file.name.data;
    path->line = cf->conf_file->line;

    return ngx_add_path(cf, &path);
}


static ngx_int_t
ngx_llm_state_dir_name(ngx_conf_t *cf, ngx_str_t *dir, const char *file,
    ngx_str_t *name)
{
    name->len = dir->len + 1 + ngx_strlen(file);

    name->data = ngx_pnalloc(cf->pool, name->len + 1);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name->data, "%V/%s%Z", dir, file);

    return NGX_OK;
}


/* as the effective user; sets errno */

static ngx_int_t
ngx_llm_state_dir_writable(u_char *dir)
{
    return faccessat(AT_FDCWD, (char *) dir, W_OK|X_OK, AT_EACCESS) == 0
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_llm_state_dir_check(ngx_llm_state_dir_t *d, ngx_cycle_t *cycle)
{
    int               n;
    gid_t             groups[NGX_LLM_STATE_GROUPS];
    ngx_int_t         rc;
    ngx_err_t         err;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (geteuid() != 0 || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT) {
        rc = ngx_llm_state_dir_writable(d->dir.data);
        err = ngx_errno;

    } else {

        /* root may everything: what counts is what a worker may */

        n = getgroups(NGX_LLM_STATE_GROUPS, groups);

        if (n == -1
            || initgroups(ccf->username, ccf->group) == -1
            || setegid(ccf->group) == -1
            || seteuid(ccf->user) == -1)
        {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "looking at state directory \"%V\" as user \"%s\" "
                          "failed", &d->dir, ccf->username);
            return NGX_ERROR;
        }

        rc = ngx_llm_state_dir_writable(d->dir.data);
        err = ngx_errno;

        if (seteuid(0) == -1 || setegid(getgid()) == -1
            || setgroups(n, groups) == -1)
        {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "becoming root again failed");
            return NGX_ERROR;
        }
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, err,
                      "state directory \"%V\" is not writable for the "
                      "workers' user", &d->dir);
    }

    return rc;
}


/*
 * flock() belongs to the open file, so that nginx may become a daemon and
 * workers keep it while their master is gone.  A new binary does not get it
 * over exec(): it has to wait until the old one left.
 */

ngx_int_t
ngx_llm_state_dir_lock(ngx_llm_state_dir_t *d, ngx_cycle_t *cycle)
{
    ngx_fd_t         fd;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    if (ngx_llm_state_locked.fd != NGX_INVALID_FILE
        && ngx_file_info(d->lock.data, &fi) != NGX_FILE_ERROR
        && ngx_file_uniq(&fi) == ngx_llm_state_locked.id)
    {
        return NGX_OK;
    }

    fd = open((char *) d->lock.data, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, d->log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", &d->lock);
        return NGX_ERROR;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == -1) {

        err = ngx_errno;
        (void) ngx_close_file(fd);

        if (err == EWOULDBLOCK) {
            return NGX_BUSY;
        }

        ngx_log_error(NGX_LOG_EMERG, d->log, err, "flock(\"%V\") failed",
                      &d->lock);
        return NGX_ERROR;
    }

    if (ngx_llm_state_file_give(fd, cycle) != NGX_OK
        || ngx_fd_info(fd, &fi) == NGX_FILE_ERROR)
    {
        ngx_log_error(NGX_LOG_EMERG, d->log, ngx_errno,
                      "giving \"%V\" to the workers' user failed", &d->lock);
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    /* workers of the configuration before keep that of their directory */

    if (ngx_llm_state_locked.fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(ngx_llm_state_locked.fd);
    }

    ngx_llm_state_locked.fd = fd;
    ngx_llm_state_locked.id = ngx_file_uniq(&fi);

    return NGX_OK;
}
