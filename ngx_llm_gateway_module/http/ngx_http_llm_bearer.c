
/*
 * Tokens that something else renews in a file, such as those of Entra ID: each
 * worker looks at the file every few seconds, and reads it when it changed.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"
#include "ngx_http_llm_translate.h"


/* how often a worker looks at a file, milliseconds; what looks as it was is
   read anyway after so many seconds */
#define NGX_HTTP_LLM_BEARER_LOOK  5000
#define NGX_HTTP_LLM_BEARER_READ  60


typedef struct {
    ngx_http_llm_provider_t   *provider;
    ngx_event_t                timer;
    time_t                     read_at;
    time_t                     mtime;         /* of the file, as it was read */
    off_t                      size;
    ngx_file_uniq_t            uniq;
    unsigned                   failed:1;      /* which was told */

    size_t                     len;           /* of the last good token */
    u_char                     token[NGX_HTTP_LLM_BEARER_MAX];
} ngx_http_llm_bearer_t;


static void ngx_http_llm_bearer_timer(ngx_event_t *ev);
static void ngx_http_llm_bearer_look(ngx_http_llm_bearer_t *bearer);
static const char *ngx_http_llm_bearer_read(ngx_http_llm_bearer_t *bearer);


static ngx_http_llm_bearer_t  **ngx_http_llm_bearers;    /* by provider */


ngx_int_t
ngx_http_llm_bearer_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                  i;
    ngx_http_llm_bearer_t      *bearer;
    ngx_http_llm_provider_t   **provider;

    ngx_http_llm_bearers = ngx_pcalloc(cycle->pool, lmcf->providers.nelts
                                       * sizeof(ngx_http_llm_bearer_t *));
    if (ngx_http_llm_bearers == NULL) {
        return NGX_ERROR;
    }

    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->providers.nelts; i++) {

        if (provider[i]->credential != NGX_HTTP_LLM_CREDENTIAL_BEARER) {
            continue;
        }

        bearer = ngx_pcalloc(cycle->pool, sizeof(ngx_http_llm_bearer_t));
        if (bearer == NULL) {
            return NGX_ERROR;
        }

        ngx_http_llm_bearers[provider[i]->index] = bearer;

        /* as the master read it, which may be allowed more */

        bearer->provider = provider[i];
        bearer->len = provider[i]->bearer.token.len;
        ngx_memcpy(bearer->token, provider[i]->bearer.token.data, bearer->len);

        bearer->timer.handler = ngx_http_llm_bearer_timer;
        bearer->timer.data = bearer;
        bearer->timer.log = cycle->log;
        bearer->timer.cancelable = 1;

        ngx_http_llm_bearer_look(bearer);
        ngx_add_timer(&bearer->timer, NGX_HTTP_LLM_BEARER_LOOK);
    }

    return NGX_OK;
}


void
ngx_http_llm_bearer_header(ngx_http_llm_provider_t *provider, llm_buf_t *b)
{
    ngx_http_llm_bearer_t  *bearer;

    bearer = ngx_http_llm_bearers[provider->index];

    llm_buf_puts(b, "Authorization: Bearer ");
    llm_buf_add(b, bearer->token, bearer->len);
    llm_buf_puts(b, CRLF);
}


static void
ngx_http_llm_bearer_timer(ngx_event_t *ev)
{
    if (ngx_exiting) {
        return;
    }

    ngx_http_llm_bearer_look(ev->data);
    ngx_add_timer(ev, NGX_HTTP_LLM_BEARER_LOOK);
}


/*
 * A file of a few kilobytes that was just written: to read it takes no longer
 * than a system call does.  What cannot be read leaves the last token.
 */

static void
ngx_http_llm_bearer_look(ngx_http_llm_bearer_t *bearer)
{
    u_char           *path;
    const char       *reason;
    ngx_file_info_t   fi;

    path = bearer->provider->bearer.path.data;

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        reason = "it is not there";

    } else if (ngx_file_mtime(&fi) == bearer->mtime
               && ngx_file_size(&fi) == bearer->size
               && ngx_file_uniq(&fi) == bearer->uniq
               && ngx_time() - bearer->read_at < NGX_HTTP_LLM_BEARER_READ)
    {
        return;

    } else {
        reason = ngx_http_llm_bearer_read(bearer);
    }

    if (reason == NULL) {
        bearer->mtime = ngx_file_mtime(&fi);
        bearer->size = ngx_file_size(&fi);
        bearer->uniq = ngx_file_uniq(&fi);
        bearer->read_at = ngx_time();
    }

    if (reason && !bearer->failed) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "token file \"%s\" of llm provider \"%V\" cannot be "
                      "read: %s; its last token stays in use", path,
                      &bearer->provider->name, reason);
    }

    bearer->failed = (reason != NULL);
}


/* NULL, or what is wrong with the file */

static const char *
ngx_http_llm_bearer_read(ngx_http_llm_bearer_t *bearer)
{
    size_t       len;
    u_char       buf[NGX_HTTP_LLM_BEARER_MAX + 1];
    ssize_t      n;
    ngx_fd_t     fd;
    ngx_str_t    token;
    const char  *reason;

    /* not to hang in open() of a pipe */

    fd = ngx_open_file(bearer->provider->bearer.path.data,
                       NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return "it cannot be opened";
    }

    reason = NULL;

    for (len = 0; len < sizeof(buf); len += n) {

        n = ngx_read_fd(fd, buf + len, sizeof(buf) - len);

        if (n == -1) {
            reason = "it cannot be read";
        }

        if (n <= 0) {
            break;
        }
    }

    (void) ngx_close_file(fd);

    token.data = buf;
    token.len = len;

    if (reason == NULL && ngx_http_llm_bearer_check(&token) != NGX_OK) {
        reason = "it holds no token";
    }

    if (reason == NULL) {
        ngx_memcpy(bearer->token, token.data, token.len);
        bearer->len = token.len;
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return reason;
}
