
#include "ngx_http_llm_probe.h"
#include "ngx_http_llm_target.h"
#include "ngx_llm_tls.h"

#include <ngx_event_connect.h>


/* a list of models comes at once, or something is wrong; milliseconds */
#define NGX_HTTP_LLM_PROBE_TIMEOUT   10000

/* the head, up to the final status line */
#define NGX_HTTP_LLM_PROBE_HEAD      4096

/* what is read behind it before the connection is closed */
#define NGX_HTTP_LLM_PROBE_LENGTH    65536

/* "HTTP/1.1 200 " */
#define NGX_HTTP_LLM_PROBE_LINE      13


/*
 *   start -> connecting -> [handshaking] -> sending -> reading
 *         -> draining -> closed
 *
 * The verdict falls between reading and draining; before it any failure, the
 * timer's included, is one.
 */

struct ngx_http_llm_probe_s {
    ngx_http_llm_provider_t         *provider;
    ngx_http_llm_probe_handler_pt    handler;
    void                            *data;

    ngx_connection_t                *connection;  /* NULL: nothing under way */
    ngx_event_t                      timer;
    ngx_log_t                        log;

    ngx_str_t                        request;
    size_t                           sent;
    size_t                           received;    /* into head */
    size_t                           drained;
    unsigned                         judged:1;

    ngx_uint_t                       next;        /* address, by number */
    ngx_http_llm_target_t            target;

    u_char                           head[NGX_HTTP_LLM_PROBE_HEAD];
};


static u_char *ngx_http_llm_probe_log_error(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_http_llm_probe_wait_handler(ngx_event_t *ev);
static void ngx_http_llm_probe_connect_handler(ngx_event_t *wev);
static void ngx_http_llm_probe_connected(ngx_http_llm_probe_t *probe);
static void ngx_http_llm_probe_tls(ngx_http_llm_probe_t *probe);
static void ngx_http_llm_probe_tls_handler(ngx_connection_t *c);
static void ngx_http_llm_probe_send_handler(ngx_event_t *wev);
static void ngx_http_llm_probe_send(ngx_http_llm_probe_t *probe);
static void ngx_http_llm_probe_read_handler(ngx_event_t *rev);
static ssize_t ngx_http_llm_probe_recv(ngx_http_llm_probe_t *probe);
static ngx_int_t ngx_http_llm_probe_parse(ngx_http_llm_probe_t *probe,
    ngx_uint_t *status);
static u_char *ngx_http_llm_probe_head_end(u_char *p, u_char *last);
static void ngx_http_llm_probe_timer_handler(ngx_event_t *ev);
static void ngx_http_llm_probe_failed(ngx_http_llm_probe_t *probe,
    const char *reason);


ngx_http_llm_probe_t *
ngx_http_llm_probe_create(ngx_cycle_t *cycle,
    ngx_http_llm_provider_t *provider, ngx_http_llm_probe_handler_pt handler,
    void *data)
{
    ngx_http_llm_probe_t  *probe;

    probe = ngx_pcalloc(cycle->pool, sizeof(ngx_http_llm_probe_t));
    if (probe == NULL) {
        return NULL;
    }

    probe->provider = provider;
    probe->handler = handler;
    probe->data = data;

    probe->log = *cycle->log;
    probe->log.handler = ngx_http_llm_probe_log_error;
    probe->log.data = probe;

    probe->timer.handler = ngx_http_llm_probe_timer_handler;
    probe->timer.data = probe;
    probe->timer.log = &probe->log;
    probe->timer.cancelable = 1;

    if (ngx_http_llm_target_request(provider, cycle->pool, &probe->request)
        != NGX_OK)
    {
        return NULL;
    }

    return probe;
}


static u_char *
ngx_http_llm_probe_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                *p;
    ngx_http_llm_probe_t  *probe;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
        buf = p;
    }

    probe = log->data;

    return ngx_snprintf(buf, len, ", llm provider: \"%V\", upstream: \"%V\"",
                        &probe->provider->name, &probe->target.name);
}


void
ngx_http_llm_probe_start(ngx_http_llm_probe_t *probe)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t   pc;

    if (probe->connection) {

        if (!probe->judged) {
            return;
        }

        /* the rest of the last answer is awaited no longer */

        ngx_http_llm_probe_stop(probe);
    }

    probe->sent = 0;
    probe->received = 0;
    probe->drained = 0;
    probe->judged = 0;
    probe->log.connection = 0;
    probe->log.action = "connecting to probe";

    if (ngx_http_llm_target_find(probe->provider->upstream, &probe->next,
                                 &probe->target)
        != NGX_OK)
    {
        ngx_http_llm_probe_failed(probe, "no address to connect to");
        return;
    }

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = &probe->target.sockaddr.sockaddr;
    pc.socklen = probe->target.socklen;
    pc.name = &probe->target.name;
    pc.get = ngx_event_get_peer;
    pc.log = &probe->log;
    pc.log_error = NGX_ERROR_INFO;

    rc = ngx_event_connect_peer(&pc);

    if (rc == NGX_DECLINED) {
        ngx_http_llm_probe_failed(probe, "connection failed");
        return;
    }

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        return;
    }

    c = pc.connection;

    probe->connection = c;
    probe->log.connection = c->number;

    c->data = probe;
    c->read->handler = ngx_http_llm_probe_wait_handler;
    c->write->handler = ngx_http_llm_probe_connect_handler;

    /* TLS shutdown may leave a timer there */

    c->read->cancelable = 1;

    c->pool = ngx_create_pool(1024, &probe->log);
    if (c->pool == NULL) {
        ngx_http_llm_probe_stop(probe);
        return;
    }

    ngx_add_timer(&probe->timer, ngx_min(probe->provider->connect_timeout,
                                         NGX_HTTP_LLM_PROBE_TIMEOUT));

    if (rc == NGX_OK) {
        ngx_http_llm_probe_connected(probe);
    }
}


/* nothing is expected; a worker that is to end says so in this way */

static void
ngx_http_llm_probe_wait_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (c->close) {
        ngx_http_llm_probe_stop(c->data);
    }
}


static void
ngx_http_llm_probe_connect_handler(ngx_event_t *wev)
{
    int                    err;
    socklen_t              len;
    ngx_connection_t      *c;
    ngx_http_llm_probe_t  *probe;

    c = wev->data;
    probe = c->data;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_INFO, c->log, err, "connect() failed");
        ngx_http_llm_probe_failed(probe, "connection failed");
        return;
    }

    ngx_http_llm_probe_connected(probe);
}


static void
ngx_http_llm_probe_connected(ngx_http_llm_probe_t *probe)
{
    if (probe->provider->tls) {
        ngx_http_llm_probe_tls(probe);
        return;
    }

    ngx_http_llm_probe_send(probe);
}


static void
ngx_http_llm_probe_tls(ngx_http_llm_probe_t *probe)
{
    ngx_connection_t  *c;

    c = probe->connection;

    probe->log.action = "SSL handshaking to probe";

    if (ngx_ssl_create_connection(probe->provider->conf.ssl, c, NGX_SSL_CLIENT)
        != NGX_OK
        || ngx_llm_tls_server_name(c, &probe->provider->tls_name) != NGX_OK)
    {
        ngx_http_llm_probe_stop(probe);
        return;
    }

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        ngx_add_timer(&probe->timer, ngx_min(probe->provider->connect_timeout,
                                             NGX_HTTP_LLM_PROBE_TIMEOUT));

        c->ssl->handler = ngx_http_llm_probe_tls_handler;
        return;
    }

    ngx_http_llm_probe_tls_handler(c);
}


static void
ngx_http_llm_probe_tls_handler(ngx_connection_t *c)
{
    const char            *reason;
    ngx_http_llm_probe_t  *probe;

    probe = c->data;

    if (!c->ssl->handshaked) {
        ngx_http_llm_probe_failed(probe, "TLS handshake failed");
        return;
    }

    if (probe->provider->tls_verify) {

        reason = ngx_llm_tls_verify(c, &probe->provider->tls_name);

        if (reason) {
            ngx_http_llm_probe_failed(probe, reason);
            return;
        }
    }

    ngx_http_llm_probe_send(probe);
}


static void
ngx_http_llm_probe_send_handler(ngx_event_t *wev)
{
    ngx_connection_t  *c;

    c = wev->data;

    ngx_http_llm_probe_send(c->data);
}


static void
ngx_http_llm_probe_send(ngx_http_llm_probe_t *probe)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = probe->connection;

    probe->log.action = "sending a probe";

    c->read->handler = ngx_http_llm_probe_wait_handler;
    c->write->handler = ngx_http_llm_probe_send_handler;

    if (probe->sent == 0) {
        ngx_add_timer(&probe->timer,
                      ngx_min(probe->provider->first_byte_timeout,
                              NGX_HTTP_LLM_PROBE_TIMEOUT));
    }

    while (probe->sent < probe->request.len) {

        n = c->send(c, probe->request.data + probe->sent,
                    probe->request.len - probe->sent);

        if (n == NGX_AGAIN) {
            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                ngx_http_llm_probe_stop(probe);
            }

            return;
        }

        if (n <= 0) {
            ngx_http_llm_probe_failed(probe, "connection was closed");
            return;
        }

        probe->sent += n;
    }

    probe->log.action = "reading the answer to a probe";

    c->read->handler = ngx_http_llm_probe_read_handler;
    c->write->handler = ngx_http_llm_probe_wait_handler;

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_http_llm_probe_stop(probe);
        return;
    }

    ngx_http_llm_probe_read_handler(c->read);
}


static void
ngx_http_llm_probe_read_handler(ngx_event_t *rev)
{
    ssize_t                n;
    ngx_int_t              rc;
    ngx_str_t              none;
    ngx_uint_t             status;
    ngx_connection_t      *c;
    ngx_http_llm_probe_t  *probe;

    c = rev->data;
    probe = c->data;

    if (c->close) {
        ngx_http_llm_probe_stop(probe);
        return;
    }

    for ( ;; ) {
        n = ngx_http_llm_probe_recv(probe);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_http_llm_probe_stop(probe);
            }

            return;
        }

        if (probe->judged) {

            if (n <= 0 || probe->drained >= NGX_HTTP_LLM_PROBE_LENGTH) {
                ngx_http_llm_probe_stop(probe);
                return;
            }

            continue;
        }

        if (n <= 0) {
            ngx_http_llm_probe_failed(probe, "connection was closed");
            return;
        }

        rc = ngx_http_llm_probe_parse(probe, &status);

        if (rc == NGX_DECLINED) {
            ngx_http_llm_probe_failed(probe, "answer is not HTTP");
            return;
        }

        if (rc == NGX_OK) {
            probe->judged = 1;
            ngx_str_null(&none);

            if (!probe->handler(probe->data, status, &none,
                                &probe->target.name))
            {
                probe->next++;
            }
        }
    }
}


static ssize_t
ngx_http_llm_probe_recv(ngx_http_llm_probe_t *probe)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = probe->connection;

    /* the head's memory serves what nobody reads too */

    if (probe->judged) {
        n = c->recv(c, probe->head, NGX_HTTP_LLM_PROBE_HEAD);

        if (n > 0) {
            probe->drained += n;
        }

        return n;
    }

    n = c->recv(c, probe->head + probe->received,
                NGX_HTTP_LLM_PROBE_HEAD - probe->received);

    if (n > 0) {
        probe->received += n;
    }

    return n;
}


/* the first status that is not of an interim answer */

static ngx_int_t
ngx_http_llm_probe_parse(ngx_http_llm_probe_t *probe, ngx_uint_t *status)
{
    u_char     *p, *last;
    ngx_int_t   n;

    p = probe->head;
    last = p + probe->received;

    while (p && last - p >= NGX_HTTP_LLM_PROBE_LINE) {

        if (ngx_strncmp(p, "HTTP/1.", sizeof("HTTP/1.") - 1) != 0
            || p[7] < '0' || p[7] > '9'
            || p[8] != ' '
            || (p[12] != ' ' && p[12] != CR && p[12] != LF))
        {
            return NGX_DECLINED;
        }

        n = ngx_atoi(p + 9, 3);

        if (n < 100 || n > 599) {
            return NGX_DECLINED;
        }

        if (n >= NGX_HTTP_OK) {
            *status = n;
            return NGX_OK;
        }

        p = ngx_http_llm_probe_head_end(p, last);
    }

    return probe->received == NGX_HTTP_LLM_PROBE_HEAD ? NGX_DECLINED
                                                      : NGX_AGAIN;
}


static u_char *
ngx_http_llm_probe_head_end(u_char *p, u_char *last)
{
    u_char  *lf;

    for ( ;; ) {
        lf = ngx_strlchr(p, last, LF);
        if (lf == NULL) {
            return NULL;
        }

        p = lf + 1;

        if (p < last && *p == CR) {
            p++;
        }

        if (p < last && *p == LF) {
            return p + 1;
        }
    }
}


static void
ngx_http_llm_probe_timer_handler(ngx_event_t *ev)
{
    ngx_http_llm_probe_t  *probe;

    probe = ev->data;

    if (probe->judged) {
        ngx_http_llm_probe_stop(probe);
        return;
    }

    ngx_http_llm_probe_failed(probe, "it timed out");
}


static void
ngx_http_llm_probe_failed(ngx_http_llm_probe_t *probe, const char *reason)
{
    ngx_str_t  text;

    ngx_http_llm_probe_stop(probe);

    text.data = (u_char *) reason;
    text.len = ngx_strlen(reason);

    if (!probe->handler(probe->data, 0, &text, &probe->target.name)) {
        probe->next++;
    }
}


void
ngx_http_llm_probe_stop(ngx_http_llm_probe_t *probe)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    if (probe->timer.timer_set) {
        ngx_del_timer(&probe->timer);
    }

    c = probe->connection;

    if (c == NULL) {
        return;
    }

    probe->connection = NULL;

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {

            /* there is no room for the farewell: do without it */

            c->timedout = 1;
            (void) ngx_ssl_shutdown(c);
        }
    }

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
