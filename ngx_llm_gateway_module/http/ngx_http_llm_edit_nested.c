
/*
 * Edits inside of a body's members: where Gemini's bodies name the model once
 * more.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "llm_walk.h"
#include "ngx_http_llm_edit.h"


static ngx_int_t ngx_http_llm_edit_nested(ngx_http_llm_attempt_t *at,
    ngx_array_t *list);
static ngx_int_t ngx_http_llm_edit_object(ngx_http_llm_attempt_t *at,
    u_char *start, llm_str_t *object, ngx_array_t *list);
static ngx_int_t ngx_http_llm_edit_model(ngx_http_llm_attempt_t *at,
    u_char *start, llm_str_t *value, ngx_array_t *list);


ngx_int_t
ngx_http_llm_edit_merge(ngx_http_llm_attempt_t *at, llm_edit_t **edits,
    unsigned *n, int64_t *delta)
{
    unsigned      i, k, m;
    llm_edit_t   *nested, *whole, *out;
    ngx_array_t   list;

    if (ngx_array_init(&list, at->ctx->request->pool, 8, sizeof(llm_edit_t))
        != NGX_OK
        || ngx_http_llm_edit_nested(at, &list) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (list.nelts == 0) {
        return NGX_OK;
    }

    nested = list.elts;
    whole = *edits;

    out = ngx_palloc(at->ctx->request->pool,
                     (list.nelts + *n) * sizeof(llm_edit_t));
    if (out == NULL) {
        return NGX_ERROR;
    }

    for (i = 0, k = 0, m = 0; i < list.nelts || k < *n; /* void */) {

        if (k < *n && (i == list.nelts || whole[k].start <= nested[i].start)) {

            while (i < list.nelts && nested[i].start < whole[k].end) {
                i++;
            }

            out[m++] = whole[k++];
            continue;
        }

        *delta += (int64_t) nested[i].text.len
                  - (int64_t) (nested[i].end - nested[i].start);

        out[m++] = nested[i++];
    }

    *edits = out;
    *n = m;

    return NGX_OK;
}


/*
 * Gemini names the model in the path, and in these bodies once more, inside:
 * there the upstream's name must stand too, or Google refuses the mismatch.
 */

static ngx_int_t
ngx_http_llm_edit_nested(ngx_http_llm_attempt_t *at, ngx_array_t *list)
{
    u_char              *start;
    llm_str_t            text, name, value, element;
    llm_walk_t           root, inner, object;
    ngx_http_llm_ctx_t  *ctx;

    ctx = at->ctx;

    if (at->upstream_model.len == ctx->asked.len
        && ngx_memcmp(at->upstream_model.data, ctx->asked.data,
                      ctx->asked.len)
           == 0)
    {
        return NGX_OK;
    }

    if (ngx_http_llm_edit_gather(ctx, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    start = text.data;

    llm_walk_text(&root, text.data, text.len);

    if (!llm_walk_element(&root, &value)) {
        return NGX_OK;
    }

    llm_walk_open(&inner, &value);

    while (llm_walk_member(&inner, &name, &value)) {

        if (llm_str_is(&name, "\"model\"")) {

            if (ngx_http_llm_edit_model(at, start, &value, list) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (llm_str_is(&name, "\"generateContentRequest\"")
                   || llm_str_is(&name, "\"generate_content_request\""))
        {
            if (ngx_http_llm_edit_object(at, start, &value, list) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (llm_str_is(&name, "\"requests\"") && value.len
                   && *value.data == '[')
        {
            llm_walk_open(&object, &value);

            while (llm_walk_element(&object, &element)) {

                if (ngx_http_llm_edit_object(at, start, &element, list)
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_edit_object(ngx_http_llm_attempt_t *at, u_char *start,
    llm_str_t *object, ngx_array_t *list)
{
    llm_str_t   name, value;
    llm_walk_t  w;

    if (object->len == 0 || *object->data != '{') {
        return NGX_OK;
    }

    llm_walk_open(&w, object);

    while (llm_walk_member(&w, &name, &value)) {

        if (llm_str_is(&name, "\"model\"")
            && ngx_http_llm_edit_model(at, start, &value, list) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_edit_model(ngx_http_llm_attempt_t *at, u_char *start,
    llm_str_t *value, ngx_array_t *list)
{
    llm_buf_t    b;
    llm_edit_t  *edit;

    if (value->len < 2 || *value->data != '"') {
        return NGX_OK;
    }

    edit = ngx_array_push(list);
    if (edit == NULL) {
        return NGX_ERROR;
    }

    llm_buf_init(&b, &at->ctx->arena);

    llm_buf_puts(&b, "\"models/");
    llm_buf_add(&b, at->upstream_model.data, at->upstream_model.len);
    llm_buf_puts(&b, "\"");

    if (b.failed) {
        return NGX_ERROR;
    }

    edit->start = value->data - start;
    edit->end = edit->start + value->len;
    edit->text.data = b.data;
    edit->text.len = b.len;

    return NGX_OK;
}
