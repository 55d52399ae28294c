
#include "ngx_http_llm_target.h"


static ngx_uint_t ngx_http_llm_target_has(ngx_http_llm_provider_t *provider,
    const char *name);
static ngx_uint_t ngx_http_llm_target_server(
    ngx_http_upstream_srv_conf_t *uscf, ngx_uint_t n,
    ngx_http_llm_target_t *target);
static ngx_uint_t ngx_http_llm_target_peer(ngx_http_upstream_srv_conf_t *uscf,
    ngx_uint_t n, ngx_http_llm_target_t *target);
static void ngx_http_llm_target_take(ngx_http_llm_target_t *target,
    struct sockaddr *sockaddr, socklen_t socklen, ngx_str_t *name);


ngx_int_t
ngx_http_llm_target_request(ngx_http_llm_provider_t *provider,
    ngx_pool_t *pool, ngx_str_t *request)
{
    u_char  *p;
    size_t   len;

    static const char  head[] = "/models HTTP/1.1" CRLF "Host: ";
    static const char  fixed[] = CRLF "Connection: close" CRLF;
    static const char  agent[] = "User-Agent: nginx" CRLF;
    static const char  accept[] = "Accept: application/json" CRLF;
    static const char  version[] = "anthropic-version: 2023-06-01" CRLF;

    len = sizeof("GET ") - 1 + provider->base.len + sizeof(head)
          + provider->host.len + sizeof(fixed) + sizeof(agent)
          + sizeof(accept) + sizeof(version) + provider->headers_text.len
          + sizeof(CRLF) - 1;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    request->data = p;

    p = ngx_cpymem(p, "GET ", sizeof("GET ") - 1);
    p = ngx_cpymem(p, provider->base.data, provider->base.len);
    p = ngx_cpymem(p, head, sizeof(head) - 1);
    p = ngx_cpymem(p, provider->host.data, provider->host.len);
    p = ngx_cpymem(p, fixed, sizeof(fixed) - 1);

    /* what stands before some providers turns away those without a name */

    if (!ngx_http_llm_target_has(provider, "User-Agent")) {
        p = ngx_cpymem(p, agent, sizeof(agent) - 1);
    }

    if (!ngx_http_llm_target_has(provider, "Accept")) {
        p = ngx_cpymem(p, accept, sizeof(accept) - 1);
    }

    if (provider->protocol == LLM_PROTOCOL_ANTHROPIC
        && !ngx_http_llm_target_has(provider, "anthropic-version"))
    {
        p = ngx_cpymem(p, version, sizeof(version) - 1);
    }

    p = ngx_cpymem(p, provider->headers_text.data,
                   provider->headers_text.len);
    p = ngx_cpymem(p, CRLF, sizeof(CRLF) - 1);

    request->len = p - request->data;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_llm_target_has(ngx_http_llm_provider_t *provider, const char *name)
{
    size_t         len;
    ngx_uint_t     i;
    ngx_keyval_t  *h;

    len = ngx_strlen(name);
    h = provider->headers.elts;

    for (i = 0; i < provider->headers.nelts; i++) {
        if (h[i].key.len == len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Where the block is in shared memory its peers may change, and a name that
 * is no block has nothing but peers.  Else its servers are what counts: what
 * a balancer keeps as its data is its own.
 */

ngx_int_t
ngx_http_llm_target_find(ngx_http_upstream_srv_conf_t *uscf, ngx_uint_t *n,
    ngx_http_llm_target_t *target)
{
    ngx_uint_t  i, count, peers;

    target->socklen = 0;
    target->name.len = 0;

    peers = (uscf->servers == NULL);

#if (NGX_HTTP_UPSTREAM_ZONE)
    if (uscf->shm_zone) {
        peers = 1;
    }
#endif

    for (i = 0; i < 2; i++) {

        count = peers ? ngx_http_llm_target_peer(uscf, *n, target)
                      : ngx_http_llm_target_server(uscf, *n, target);

        if (target->socklen) {
            return NGX_OK;
        }

        if (count == 0) {
            break;
        }

        *n %= count;
    }

    return NGX_DECLINED;
}


/* takes the n-th address, or returns how many there are */

static ngx_uint_t
ngx_http_llm_target_server(ngx_http_upstream_srv_conf_t *uscf, ngx_uint_t n,
    ngx_http_llm_target_t *target)
{
    ngx_addr_t                  *addr;
    ngx_uint_t                   i, k, found;
    ngx_http_upstream_server_t  *server;

    server = uscf->servers->elts;
    found = 0;

    for (i = 0; i < uscf->servers->nelts; i++) {

        if (server[i].down) {
            continue;
        }

        addr = server[i].addrs;

        for (k = 0; k < server[i].naddrs; k++) {

            if (found++ == n) {
                ngx_http_llm_target_take(target, addr[k].sockaddr,
                                         addr[k].socklen, &addr[k].name);
                return found;
            }
        }
    }

    return found;
}


static ngx_uint_t
ngx_http_llm_target_peer(ngx_http_upstream_srv_conf_t *uscf, ngx_uint_t n,
    ngx_http_llm_target_t *target)
{
    ngx_uint_t                     found;
    ngx_http_upstream_rr_peer_t   *peer;
    ngx_http_upstream_rr_peers_t  *peers;

    found = 0;

    for (peers = uscf->peer.data; peers; peers = peers->next) {

        ngx_http_upstream_rr_peers_rlock(peers);

        for (peer = peers->peer; peer; peer = peer->next) {

            if (!peer->down && found++ == n) {
                ngx_http_llm_target_take(target, peer->sockaddr,
                                         peer->socklen, &peer->name);
                break;
            }
        }

        ngx_http_upstream_rr_peers_unlock(peers);

        if (target->socklen) {
            break;
        }
    }

    return found;
}


static void
ngx_http_llm_target_take(ngx_http_llm_target_t *target,
    struct sockaddr *sockaddr, socklen_t socklen, ngx_str_t *name)
{
    target->socklen = ngx_min(socklen, (socklen_t) sizeof(ngx_sockaddr_t));
    ngx_memcpy(&target->sockaddr, sockaddr, target->socklen);

    target->name.len = ngx_min(name->len, NGX_SOCKADDR_STRLEN);
    target->name.data = target->text;
    ngx_memcpy(target->text, name->data, target->name.len);
}
