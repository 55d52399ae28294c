
/*
 * Redis Cluster: which node has which slot.  The map is learnt from any node
 * that answers, at the start and whenever it turns out to be old; meanwhile
 * redirections are followed.
 */


#include "ngx_llm_redis_state.h"


/* milliseconds between two questions for the map */
#define NGX_LLM_REDIS_LEARN    200
#define NGX_LLM_REDIS_FAILING  1000    /* while a node is unavailable */


static void ngx_llm_redis_cluster_learn_handler(ngx_event_t *ev);
static void ngx_llm_redis_cluster_map_handler(void *data, ngx_int_t rc,
    redisReply *reply);
static void ngx_llm_redis_cluster_range(ngx_llm_redis_t *redis,
    redisReply *range);
static ngx_uint_t ngx_llm_redis_cluster_failing(ngx_llm_redis_t *redis);
static void ngx_llm_redis_cluster_sweep(ngx_llm_redis_t *redis);
static ngx_llm_redis_node_t *ngx_llm_redis_cluster_any(
    ngx_llm_redis_t *redis);
static ngx_uint_t ngx_llm_redis_cluster_index(ngx_llm_redis_node_t *teacher,
    u_char *host, size_t len, ngx_int_t port);


ngx_int_t
ngx_llm_redis_cluster_init(ngx_llm_redis_t *redis, ngx_cycle_t *cycle)
{
    redis->slots = ngx_pcalloc(cycle->pool, NGX_LLM_REDIS_SLOTS);
    if (redis->slots == NULL) {
        return NGX_ERROR;
    }

    redis->learn.handler = ngx_llm_redis_cluster_learn_handler;
    redis->learn.data = redis;
    redis->learn.log = redis->log;
    redis->learn.cancelable = 1;

    return NGX_OK;
}


/* CRC-16/XMODEM, as the cluster's specification has it */

ngx_uint_t
ngx_llm_redis_cluster_slot(ngx_str_t *key)
{
    u_char      *p, *last, *open, *close;
    uint32_t     crc;
    ngx_uint_t   i;

    p = key->data;
    last = p + key->len;

    /* the first non-empty text in braces stands for the key */

    open = ngx_strlchr(p, last, '{');

    if (open) {
        close = ngx_strlchr(open + 1, last, '}');

        if (close && close != open + 1) {
            p = open + 1;
            last = close;
        }
    }

    crc = 0;

    while (p < last) {
        crc ^= (uint32_t) *p++ << 8;

        for (i = 0; i < 8; i++) {
            crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
        }

        crc &= 0xffff;
    }

    return crc % NGX_LLM_REDIS_SLOTS;
}


ngx_llm_redis_node_t *
ngx_llm_redis_cluster_node(ngx_llm_redis_t *redis, ngx_uint_t slot)
{
    if (slot < NGX_LLM_REDIS_SLOTS && redis->slots[slot]) {
        return redis->nodes[redis->slots[slot] - 1];
    }

    return ngx_llm_redis_cluster_any(redis);
}


/* a node that is ready, else one that takes commands, else NULL */

static ngx_llm_redis_node_t *
ngx_llm_redis_cluster_any(ngx_llm_redis_t *redis)
{
    ngx_uint_t             i;
    ngx_llm_redis_node_t  *node, *found;

    found = NULL;

    for (i = 0; i < redis->nnodes; i++) {

        node = redis->nodes[i];

        if (node == NULL || !ngx_llm_redis_node_takes(node)) {
            continue;
        }

        if (node->state == NGX_LLM_REDIS_READY) {
            return node;
        }

        if (found == NULL) {
            found = node;
        }
    }

    return found;
}


void
ngx_llm_redis_cluster_learn(ngx_llm_redis_t *redis)
{
    if (redis->learning || redis->learn.timer_set || redis->stopped) {
        return;
    }

    ngx_add_timer(&redis->learn, redis->asked ? NGX_LLM_REDIS_LEARN : 0);
}


static void
ngx_llm_redis_cluster_learn_handler(ngx_event_t *ev)
{
    ngx_str_t                 argv[2];
    ngx_llm_redis_t          *redis;
    ngx_llm_redis_node_t     *node;
    ngx_llm_redis_command_t  *cmd;

    redis = ev->data;

    if (ngx_exiting) {
        return;
    }

    node = ngx_llm_redis_cluster_any(redis);

    if (node == NULL) {

        /* each node that comes back asks again */

        return;
    }

    ngx_str_set(&argv[0], "CLUSTER");
    ngx_str_set(&argv[1], "SLOTS");

    cmd = ngx_llm_redis_create(redis, argv, 2,
                               ngx_llm_redis_cluster_map_handler, redis);
    if (cmd == NULL) {
        return;
    }

    if (ngx_llm_redis_node_push(node, cmd) != NGX_OK) {
        cmd->handler = NULL;
        ngx_llm_redis_end(cmd, NGX_DECLINED, NULL);
        return;
    }

    redis->learning = 1;
    redis->asked = 1;
    redis->teacher = node;
}


static void
ngx_llm_redis_cluster_map_handler(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_llm_redis_t *redis = data;

    size_t      i;
    ngx_uint_t  n;

    redis->learning = 0;

    if (rc != NGX_OK || reply->type != REDIS_REPLY_ARRAY
        || reply->elements == 0)
    {
        if (rc == NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                          "redis cluster has no slots");
        }

        ngx_llm_redis_cluster_learn(redis);
        return;
    }

    for (n = 0; n < redis->nnodes; n++) {
        if (redis->nodes[n]) {
            redis->nodes[n]->used = 0;
        }
    }

    ngx_memzero(redis->slots, NGX_LLM_REDIS_SLOTS);

    for (i = 0; i < reply->elements; i++) {
        ngx_llm_redis_cluster_range(redis, reply->element[i]);
    }

    ngx_llm_redis_cluster_sweep(redis);

    /* a replica may take over from a node that is gone */

    if (ngx_llm_redis_cluster_failing(redis) && !redis->learn.timer_set) {
        ngx_add_timer(&redis->learn, NGX_LLM_REDIS_FAILING);
    }
}


static ngx_uint_t
ngx_llm_redis_cluster_failing(ngx_llm_redis_t *redis)
{
    ngx_uint_t             i;
    ngx_llm_redis_node_t  *node;

    for (i = 0; i < redis->nnodes; i++) {

        node = redis->nodes[i];

        if (node && node->used && node->fails) {
            return 1;
        }
    }

    return 0;
}


/* [start, end, [host, port, ...], replicas ...] */

static void
ngx_llm_redis_cluster_range(ngx_llm_redis_t *redis, redisReply *range)
{
    u_char      *host;
    size_t       len;
    long long    slot;
    ngx_uint_t   n;
    redisReply  *master;

    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3
        || range->element[0]->type != REDIS_REPLY_INTEGER
        || range->element[1]->type != REDIS_REPLY_INTEGER
        || range->element[0]->integer < 0
        || range->element[1]->integer >= NGX_LLM_REDIS_SLOTS)
    {
        return;
    }

    master = range->element[2];

    if (master->type != REDIS_REPLY_ARRAY || master->elements < 2
        || master->element[1]->type != REDIS_REPLY_INTEGER)
    {
        return;
    }

    host = NULL;
    len = 0;

    if (master->element[0]->type == REDIS_REPLY_STRING) {
        host = (u_char *) master->element[0]->str;
        len = (size_t) master->element[0]->len;
    }

    n = ngx_llm_redis_cluster_index(redis->teacher, host, len,
                                    (ngx_int_t) master->element[1]->integer);
    if (n == 0) {
        return;
    }

    redis->nodes[n - 1]->used = 1;

    for (slot = range->element[0]->integer;
         slot <= range->element[1]->integer;
         slot++)
    {
        redis->slots[slot] = (u_char) n;
    }
}


/* nodes that have gone; not the one whose reply this is */

static void
ngx_llm_redis_cluster_sweep(ngx_llm_redis_t *redis)
{
    ngx_uint_t             i;
    ngx_llm_redis_node_t  *node;

    for (i = 0; i < redis->nnodes; i++) {

        node = redis->nodes[i];

        if (node == NULL
            || node->used || node->seed || node->npending
            || node == redis->teacher)
        {
            continue;
        }

        ngx_llm_redis_node_free(node);
        redis->nodes[i] = NULL;
    }
}


/*
 * Index + 1 of the node at this address, made if there is none.  No host is
 * that of the node that told.  0: not an address, or too many nodes.
 */

static ngx_uint_t
ngx_llm_redis_cluster_index(ngx_llm_redis_node_t *teacher, u_char *host,
    size_t len, ngx_int_t port)
{
    ngx_uint_t             i, n;
    ngx_llm_redis_t       *redis;
    ngx_llm_redis_node_t  *node, *other;

    redis = teacher->redis;

    node = ngx_llm_redis_node_create(redis, &teacher->sockaddr.sockaddr,
                                     teacher->socklen);
    if (node == NULL) {
        return 0;
    }

    if (ngx_llm_redis_node_resolve(node, host, len, port) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "redis cluster names a node \"%*s\", port %i, which is "
                      "no address", len, host, port);
        ngx_llm_redis_node_free(node);
        return 0;
    }

    n = NGX_LLM_REDIS_NODES;

    for (i = 0; i < NGX_LLM_REDIS_NODES; i++) {

        other = redis->nodes[i];

        if (other == NULL) {
            n = ngx_min(n, i);
            continue;
        }

        if (ngx_cmp_sockaddr(&other->sockaddr.sockaddr, other->socklen,
                             &node->sockaddr.sockaddr, node->socklen, 1)
            == NGX_OK)
        {
            ngx_llm_redis_node_free(node);
            return i + 1;
        }
    }

    if (n == NGX_LLM_REDIS_NODES) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "redis cluster has more than %d nodes",
                      NGX_LLM_REDIS_NODES);
        ngx_llm_redis_node_free(node);
        return 0;
    }

    redis->nodes[n] = node;
    redis->nnodes = ngx_max(redis->nnodes, n + 1);

    return n + 1;
}


/* "MOVED 3999 127.0.0.1:6381" for good, "ASK 3999 ..." for this once */

ngx_int_t
ngx_llm_redis_cluster_redirect(ngx_llm_redis_node_t *node,
    ngx_llm_redis_command_t *cmd, redisReply *reply)
{
    u_char           *p, *last, *colon;
    ngx_int_t         slot, port;
    ngx_uint_t        n, ask;
    ngx_llm_redis_t  *redis;

    redis = node->redis;

    p = (u_char *) reply->str;
    last = p + reply->len;

    if (ngx_strncmp(p, "MOVED ", 6) == 0) {
        ask = 0;
        p += 6;

    } else if (ngx_strncmp(p, "ASK ", 4) == 0) {
        ask = 1;
        p += 4;

    } else {
        return NGX_DECLINED;
    }

    colon = ngx_strlchr(p, last, ' ');
    if (colon == NULL) {
        return NGX_DECLINED;
    }

    slot = ngx_atoi(p, colon - p);
    p = colon + 1;

    for (colon = last - 1; colon > p && *colon != ':'; colon--) {
        /* void */
    }

    if (colon < p || *colon != ':'
        || slot == NGX_ERROR || slot >= NGX_LLM_REDIS_SLOTS)
    {
        return NGX_DECLINED;
    }

    port = ngx_atoi(colon + 1, last - colon - 1);

    n = ngx_llm_redis_cluster_index(node, p, colon - p, port);
    if (n == 0) {
        return NGX_DECLINED;
    }

    cmd->asking = ask;

    if (!ask) {
        redis->slots[slot] = (u_char) n;
        redis->nodes[n - 1]->used = 1;

        ngx_llm_redis_cluster_learn(redis);
    }

    return ngx_llm_redis_node_push(redis->nodes[n - 1], cmd);
}
