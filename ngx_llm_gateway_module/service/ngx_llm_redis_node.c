
/*
 * One connection to one server: how it comes and goes, and what it is given
 * to do.
 */


#include "ngx_llm_redis_state.h"

#include <ngx_event_connect.h>


/* milliseconds: the first pause after a failure, and the longest */
#define NGX_LLM_REDIS_RETRY      50
#define NGX_LLM_REDIS_RETRY_MAX  5000

/* milliseconds: connecting, TLS and set-up take several turns */
#define NGX_LLM_REDIS_CONNECT    200


static u_char *ngx_llm_redis_node_log_error(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_llm_redis_node_connect_handler(ngx_event_t *wev);
static void ngx_llm_redis_node_timer_handler(ngx_event_t *ev);
static void ngx_llm_redis_node_retry_handler(ngx_event_t *ev);
static void ngx_llm_redis_node_back_off(ngx_llm_redis_node_t *node,
    const char *reason);
static void ngx_llm_redis_node_disconnect(ngx_llm_redis_node_t *node);


ngx_llm_redis_node_t *
ngx_llm_redis_node_create(ngx_llm_redis_t *redis, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_llm_redis_node_t  *node;

    node = ngx_calloc(sizeof(ngx_llm_redis_node_t), redis->log);
    if (node == NULL) {
        return NULL;
    }

    node->redis = redis;

    ngx_queue_init(&node->waiting);
    ngx_queue_init(&node->sent);

    node->log = *redis->log;
    node->log.handler = ngx_llm_redis_node_log_error;
    node->log.data = node;

    node->timer.handler = ngx_llm_redis_node_timer_handler;
    node->timer.data = node;
    node->timer.log = &node->log;

    node->retry.handler = ngx_llm_redis_node_retry_handler;
    node->retry.data = node;
    node->retry.log = &node->log;
    node->retry.cancelable = 1;

    node->flush.handler = ngx_llm_redis_node_flush_handler;
    node->flush.data = node;
    node->flush.log = &node->log;

    if (sockaddr) {
        ngx_llm_redis_node_address(node, sockaddr, socklen);
    }

    return node;
}


void
ngx_llm_redis_node_address(ngx_llm_redis_node_t *node,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    ngx_memmove(&node->sockaddr, sockaddr, socklen);
    node->socklen = socklen;

    node->name.data = node->text;
    node->name.len = ngx_sock_ntop(sockaddr, socklen, node->text,
                                   NGX_LLM_REDIS_NAME, 1);
}


ngx_int_t
ngx_llm_redis_node_resolve(ngx_llm_redis_node_t *node, u_char *host,
    size_t len, ngx_int_t port)
{
    ngx_int_t    rc;
    ngx_addr_t   addr;
    ngx_pool_t  *pool;

    if (port < 1 || port > 65535) {
        return NGX_DECLINED;
    }

    if (len == 0 || (len == 1 && host[0] == '?')) {
        ngx_inet_set_port(&node->sockaddr.sockaddr, (in_port_t) port);
        ngx_llm_redis_node_address(node, &node->sockaddr.sockaddr,
                                   node->socklen);
        return NGX_OK;
    }

    if (len > NGX_INET6_ADDRSTRLEN) {
        return NGX_DECLINED;
    }

    pool = ngx_create_pool(512, &node->log);
    if (pool == NULL) {
        return NGX_DECLINED;
    }

    /* IPv6 comes without brackets */

    rc = ngx_parse_addr(pool, &addr, host, len);

    if (rc == NGX_OK) {
        ngx_inet_set_port(addr.sockaddr, (in_port_t) port);
        ngx_llm_redis_node_address(node, addr.sockaddr, addr.socklen);
    }

    ngx_destroy_pool(pool);

    return rc == NGX_OK ? NGX_OK : NGX_DECLINED;
}


void
ngx_llm_redis_node_free(ngx_llm_redis_node_t *node)
{
    ngx_llm_redis_node_close(node, NULL);

    if (node->out) {
        ngx_free(node->out);
    }

    ngx_free(node);
}


static u_char *
ngx_llm_redis_node_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                *p;
    ngx_llm_redis_node_t  *node;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
        buf = p;
    }

    node = log->data;

    return ngx_snprintf(buf, len, ", %s: \"%V\"",
                        node->sentinel ? "sentinel" : "redis", &node->name);
}


ngx_uint_t
ngx_llm_redis_node_takes(ngx_llm_redis_node_t *node)
{
    if (node->npending >= NGX_LLM_REDIS_PENDING) {
        return 0;
    }

    return node->state == NGX_LLM_REDIS_READY || node->fails == 0;
}


ngx_int_t
ngx_llm_redis_node_push(ngx_llm_redis_node_t *node,
    ngx_llm_redis_command_t *cmd)
{
    if (!ngx_llm_redis_node_takes(node)) {
        return NGX_DECLINED;
    }

    ngx_queue_insert_tail(&node->waiting, &cmd->queue);
    node->npending++;

    if (node->connection) {
        node->connection->idle = 0;
    }

    if (node->state == NGX_LLM_REDIS_READY) {

        /* all commands of one turn of the loop leave together */

        if (!node->flush.posted) {
            ngx_post_event(&node->flush, &ngx_posted_events);
        }

        if (!node->timer.timer_set) {
            ngx_add_timer(&node->timer, node->redis->conf->timeout);
        }

    } else if (node->state == NGX_LLM_REDIS_CLOSED) {

        /* not from here: a failure would call handlers */

        node->retry.cancelable = 0;
        ngx_add_timer(&node->retry, 0);
    }

    return NGX_OK;
}


void
ngx_llm_redis_node_connect(ngx_llm_redis_node_t *node)
{
    ngx_addr_t            *addr;
    ngx_msec_t             timeout;
    ngx_llm_redis_conf_t  *conf;

    conf = node->redis->conf;

    /* one server's name may have several addresses */

    if (node->fails && !conf->cluster && conf->sentinel.len == 0) {
        addr = conf->addrs.elts;
        addr += node->fails % conf->addrs.nelts;

        ngx_llm_redis_node_address(node, addr->sockaddr, addr->socklen);
    }

    timeout = ngx_max(conf->timeout, NGX_LLM_REDIS_CONNECT);

    node->deadline = ngx_current_msec + timeout;
    ngx_add_timer(&node->timer, timeout);

    if (node->redis->nsentinels && !node->sentinel) {
        ngx_llm_redis_sentinel_ask(node);
        return;
    }

    ngx_llm_redis_node_open(node);
}


void
ngx_llm_redis_node_open(ngx_llm_redis_node_t *node)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t   pc;

    node->log.connection = 0;
    node->log.action = "connecting to redis";

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = &node->sockaddr.sockaddr;
    pc.socklen = node->socklen;
    pc.name = &node->name;
    pc.get = ngx_event_get_peer;
    pc.log = &node->log;
    pc.log_error = NGX_ERROR_INFO;

    rc = ngx_event_connect_peer(&pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_llm_redis_node_close(node, "connection failed");
        return;
    }

    c = pc.connection;

    node->connection = c;
    node->state = NGX_LLM_REDIS_CONNECTING;
    node->log.connection = c->number;

    c->data = node;
    c->read->handler = ngx_llm_redis_node_read_handler;
    c->write->handler = ngx_llm_redis_node_connect_handler;

    /* TLS shutdown may leave a timer there */

    c->read->cancelable = 1;

    c->pool = ngx_create_pool(1024, &node->log);

    if (c->pool) {
        node->reader = redisReaderCreate();
    }

    if (node->reader == NULL) {
        ngx_llm_redis_node_close(node, "no memory");
        return;
    }

    if (rc == NGX_OK) {
        ngx_llm_redis_setup(node);
    }
}


static void
ngx_llm_redis_node_connect_handler(ngx_event_t *wev)
{
    int                    err;
    socklen_t              len;
    ngx_connection_t      *c;
    ngx_llm_redis_node_t  *node;

    c = wev->data;
    node = c->data;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_INFO, &node->log, err, "connect() failed");
        ngx_llm_redis_node_close(node, "connection failed");
        return;
    }

    ngx_llm_redis_setup(node);
}


/* it may have been set for a command that was answered since */

static void
ngx_llm_redis_node_timer_handler(ngx_event_t *ev)
{
    ngx_queue_t              *q;
    ngx_msec_int_t            left;
    ngx_llm_redis_node_t     *node;
    ngx_llm_redis_command_t  *cmd;

    node = ev->data;

    if (node->state == NGX_LLM_REDIS_READY) {

        if (!ngx_queue_empty(&node->sent)) {
            q = ngx_queue_head(&node->sent);

        } else if (!ngx_queue_empty(&node->waiting)) {
            q = ngx_queue_head(&node->waiting);

        } else {
            return;
        }

        cmd = ngx_queue_data(q, ngx_llm_redis_command_t, queue);
        left = (ngx_msec_int_t) (cmd->deadline - ngx_current_msec);

    } else {
        left = (ngx_msec_int_t) (node->deadline - ngx_current_msec);
    }

    if (left > 0) {
        ngx_add_timer(&node->timer, (ngx_msec_t) left);
        return;
    }

    ngx_llm_redis_node_close(node, node->state == NGX_LLM_REDIS_READY
                                   ? "no reply in time"
                                   : "no connection in time");
}


static void
ngx_llm_redis_node_retry_handler(ngx_event_t *ev)
{
    ngx_llm_redis_node_t  *node;

    node = ev->data;

    if (node->state == NGX_LLM_REDIS_CLOSED) {
        ngx_llm_redis_node_connect(node);
    }
}


/*
 * The queues are taken away first: handlers may call command(), and find that
 * it takes none.
 */

void
ngx_llm_redis_node_close(ngx_llm_redis_node_t *node, const char *reason)
{
    ngx_queue_t              *q, sent, waiting;
    ngx_llm_redis_command_t  *cmd;

    if (node->retry.timer_set) {
        ngx_del_timer(&node->retry);
    }

    if (reason) {
        ngx_llm_redis_node_back_off(node, reason);

    } else {
        node->fails = 0;
    }

    ngx_llm_redis_node_disconnect(node);

    ngx_queue_init(&sent);
    ngx_queue_init(&waiting);

    ngx_queue_add(&sent, &node->sent);
    ngx_queue_add(&waiting, &node->waiting);

    ngx_queue_init(&node->sent);
    ngx_queue_init(&node->waiting);

    node->npending = 0;

    while (!ngx_queue_empty(&sent)) {
        q = ngx_queue_head(&sent);
        ngx_queue_remove(q);

        cmd = ngx_queue_data(q, ngx_llm_redis_command_t, queue);
        ngx_llm_redis_end(cmd, NGX_ABORT, NULL);
    }

    while (!ngx_queue_empty(&waiting)) {
        q = ngx_queue_head(&waiting);
        ngx_queue_remove(q);

        cmd = ngx_queue_data(q, ngx_llm_redis_command_t, queue);
        ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
    }
}


/* not all workers of all hosts at once: a quarter of the pause is drawn */

static void
ngx_llm_redis_node_back_off(ngx_llm_redis_node_t *node, const char *reason)
{
    ngx_msec_t   pause;
    ngx_log_t   *log;

    log = &node->log;

    if (!node->told) {
        node->told = 1;
        ngx_log_error(NGX_LOG_ERR, log, 0, "redis is unavailable: %s", reason);

    } else {
        ngx_log_error(NGX_LOG_INFO, log, 0, "redis is still unavailable: %s",
                      reason);
    }

    pause = NGX_LLM_REDIS_RETRY << ngx_min(node->fails, 7);
    pause = ngx_min(pause, NGX_LLM_REDIS_RETRY_MAX);
    pause -= ngx_random() % (pause / 4 + 1);

    node->fails++;

    if (node->redis->conf->cluster && !node->sentinel) {
        ngx_llm_redis_cluster_learn(node->redis);
    }

    if (node->redis->stopped || node->sentinel) {
        return;
    }

    node->retry.cancelable = 1;
    ngx_add_timer(&node->retry, pause);
}


static void
ngx_llm_redis_node_disconnect(ngx_llm_redis_node_t *node)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    node->state = NGX_LLM_REDIS_CLOSED;
    node->pos = 0;
    node->last = 0;
    node->skip = 0;
    node->unread = 0;

    if (node->timer.timer_set) {
        ngx_del_timer(&node->timer);
    }

    if (node->flush.posted) {
        ngx_delete_posted_event(&node->flush);
    }

    if (node->reader) {
        redisReaderFree(node->reader);
        node->reader = NULL;
    }

    c = node->connection;

    if (c == NULL) {
        return;
    }

    node->connection = NULL;
    node->log.connection = 0;

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);
    }

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
