
/*
 * A request's memory for the pure layer: from its pool, and from chunks that
 * requests of a worker use in turn.  The one used last lies in the caches
 * still, which malloc() knows nothing of.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"


/* what one request may take for the pure layer */
#define NGX_HTTP_LLM_ARENA_LIMIT  (64 * 1024 * 1024)

/*
 * The first pieces fill what nginx leaves free of the pool's blocks: a request
 * that waits in the queue has no others.  Then comes a chunk for all that an
 * attempt takes; what is large goes by itself.
 */
#define NGX_HTTP_LLM_FIRST        2560
#define NGX_HTTP_LLM_CHUNK        8192
#define NGX_HTTP_LLM_CHUNK_LARGE  4096

/* chunks that wait for the next request, at most */
#define NGX_HTTP_LLM_CHUNKS       64

/* a sanitizer finds who still uses a chunk if it goes at once */

#if (__SANITIZE_ADDRESS__)
#undef NGX_HTTP_LLM_CHUNKS
#define NGX_HTTP_LLM_CHUNKS       0

#elif defined __has_feature
#if __has_feature(address_sanitizer)
#undef NGX_HTTP_LLM_CHUNKS
#define NGX_HTTP_LLM_CHUNKS       0
#endif
#endif


struct ngx_http_llm_chunk_s {
    ngx_http_llm_chunk_t  *next;
    void                  *align;     /* what follows is as malloc() has it */
};


#define ngx_http_llm_chunk_left(ctx)                                          \
    ((size_t) ((u_char *) (ctx)->chunks + NGX_HTTP_LLM_CHUNK - (ctx)->chunk))


static void *ngx_http_llm_arena_alloc(void *data, size_t size);
static ngx_int_t ngx_http_llm_arena_chunk(ngx_http_llm_ctx_t *ctx);


static ngx_http_llm_chunk_t  *ngx_http_llm_chunks;
static ngx_uint_t             ngx_http_llm_nchunks;


void
ngx_http_llm_arena_init(ngx_http_llm_ctx_t *ctx)
{
    ctx->arena.alloc = ngx_http_llm_arena_alloc;
    ctx->arena.data = ctx;
    ctx->arena.left = NGX_HTTP_LLM_ARENA_LIMIT;

    ctx->first = NGX_HTTP_LLM_FIRST;
}


void
ngx_http_llm_arena_done(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_chunk_t  *chunk;

    while (ctx->chunks) {
        chunk = ctx->chunks;
        ctx->chunks = chunk->next;

        if (ngx_http_llm_nchunks == NGX_HTTP_LLM_CHUNKS) {
            ngx_free(chunk);
            continue;
        }

        chunk->next = ngx_http_llm_chunks;
        ngx_http_llm_chunks = chunk;
        ngx_http_llm_nchunks++;
    }

    ctx->chunk = NULL;
}


void
ngx_http_llm_arena_stop(void)
{
    ngx_http_llm_chunk_t  *chunk;

    while (ngx_http_llm_chunks) {
        chunk = ngx_http_llm_chunks;
        ngx_http_llm_chunks = chunk->next;

        ngx_free(chunk);
    }

    /* there is room for no more: those of requests that end yet go at once */

    ngx_http_llm_nchunks = NGX_HTTP_LLM_CHUNKS;
}


static void *
ngx_http_llm_arena_alloc(void *data, size_t size)
{
    ngx_http_llm_ctx_t *ctx = data;

    u_char  *p;

    if (size > NGX_HTTP_LLM_CHUNK_LARGE) {
        return ngx_palloc(ctx->request->pool, size);
    }

    size = ngx_align(size, 16);

    if (size <= ctx->first) {
        ctx->first -= size;
        return ngx_palloc(ctx->request->pool, size);
    }

    if ((ctx->chunks == NULL || ngx_http_llm_chunk_left(ctx) < size)
        && ngx_http_llm_arena_chunk(ctx) != NGX_OK)
    {
        return NULL;
    }

    p = ctx->chunk;
    ctx->chunk += size;

    return p;
}


static ngx_int_t
ngx_http_llm_arena_chunk(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_chunk_t  *chunk;

    chunk = ngx_http_llm_chunks;

    if (chunk) {
        ngx_http_llm_chunks = chunk->next;
        ngx_http_llm_nchunks--;

    } else {
        chunk = ngx_alloc(NGX_HTTP_LLM_CHUNK, ctx->request->connection->log);
        if (chunk == NULL) {
            return NGX_ERROR;
        }
    }

    chunk->next = ctx->chunks;
    ctx->chunks = chunk;

    ctx->chunk = (u_char *) (chunk + 1);

    return NGX_OK;
}
