
/* stream_options of a stream that is to tell its usage */


#include "llm_request.h"


static int llm_request_option_edit(llm_arena_t *arena, const llm_str_t *raw,
    const llm_found_t *found, llm_str_t *json);


static const llm_pick_t  llm_request_option_pick = {
    "include_usage", LLM_PICK_ROOT, 0, 0
};


int
llm_request_usage_option(llm_arena_t *arena, const llm_str_t *raw,
    llm_str_t *json)
{
    llm_scan_t         *scan;
    const llm_found_t  *found;

    static const llm_str_t  option = llm_string("{\"include_usage\":true}");

    if (raw->len == 0 || llm_str_is(raw, "null")) {
        *json = option;
        return LLM_OK;
    }

    scan = llm_scan_create(arena, &llm_request_option_pick, 1, 0);

    if (scan == NULL) {
        return LLM_NOMEM;
    }

    if (llm_scan_feed(scan, raw->data, raw->len) != LLM_OK
        || llm_scan_end(scan) != LLM_OK
        || llm_scan_type(scan) != LLM_JSON_OBJECT)
    {
        return LLM_INVALID;
    }

    found = llm_scan_found(scan, 0);

    if (found->times > 1) {
        return LLM_INVALID;
    }

    if (found->times && found->type == LLM_JSON_TRUE) {
        *json = *raw;
        return LLM_OK;
    }

    return llm_request_option_edit(arena, raw, found, json);
}


/* raw is a well-formed object, with the member as found, or without */

static int
llm_request_option_edit(llm_arena_t *arena, const llm_str_t *raw,
    const llm_found_t *found, llm_str_t *json)
{
    size_t          i;
    llm_buf_t       b;
    unsigned char  *p;

    llm_buf_init(&b, arena);

    if (found->times) {
        llm_buf_add(&b, raw->data, found->start);
        llm_buf_puts(&b, "true");
        llm_buf_add(&b, raw->data + found->end, raw->len - found->end);

    } else {
        p = memchr(raw->data, '{', raw->len);
        i = p + 1 - raw->data;

        llm_buf_add(&b, raw->data, i);
        llm_buf_puts(&b, "\"include_usage\":true");

        while (*++p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
            /* void */
        }

        if (*p != '}') {
            llm_buf_puts(&b, ",");
        }

        llm_buf_add(&b, raw->data + i, raw->len - i);
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    json->data = b.data;
    json->len = b.len;

    return LLM_OK;
}
