
/*
 * The end of a Responses stream by length: "response.incomplete" repeats the
 * answer so far, so that all of it is kept.  Items follow one another, and
 * parts within an item: one of each is open.
 */


#include "llm_ending_state.h"
#include "llm_protocol.h"
#include "llm_responses.h"


static unsigned llm_ending_is(const llm_str_t *type, const char *tail);
static void llm_ending_keep(llm_ending_responses_t *r, llm_buf_t *b,
    const llm_str_t *data, const char *name);
static void llm_ending_list(llm_ending_responses_t *r, llm_buf_t *list,
    const llm_str_t *data, const char *name);
static void llm_ending_text(llm_ending_responses_t *r,
    const llm_str_t *data);
static void llm_ending_close_part(llm_ending_responses_t *r,
    llm_buf_t *scratch, llm_buf_t *out);
static void llm_ending_place(llm_ending_responses_t *r, llm_buf_t *out);
static void llm_ending_raw(const llm_buf_t *value, llm_buf_t *out);
static void llm_ending_print_part(llm_ending_responses_t *r, llm_buf_t *out);
static void llm_ending_print_item(llm_ending_responses_t *r, llm_buf_t *out);
static void llm_ending_print_response(llm_ending_responses_t *r,
    const llm_usage_t *usage, llm_buf_t *out);
static void llm_ending_begin(llm_ending_responses_t *r, const char *type,
    llm_buf_t *out);
static void llm_ending_name(const llm_str_t *name, unsigned *n,
    llm_buf_t *out);


llm_ending_responses_t *
llm_ending_responses_create(llm_arena_t *arena)
{
    llm_ending_responses_t  *r;

    r = llm_calloc(arena, sizeof(llm_ending_responses_t));
    if (r == NULL) {
        return NULL;
    }

    r->sequence = -1;

    llm_buf_init(&r->response, arena);
    llm_buf_init(&r->items, arena);
    llm_buf_init(&r->item, arena);
    llm_buf_init(&r->index, arena);
    llm_buf_init(&r->parts, arena);
    llm_buf_init(&r->part, arena);
    llm_buf_init(&r->place, arena);
    llm_buf_init(&r->text, arena);

    return r;
}


void
llm_ending_responses_event(llm_ending_t *e, const llm_str_t *data)
{
    llm_str_t                type, value;
    llm_ending_responses_t  *r;

    r = e->responses;

    if (llm_form_member(data, "sequence_number", &value) == LLM_OK) {
        r->sequence = llm_raw_int(&value);
    }

    if (llm_form_member(data, "type", &type) != LLM_OK) {
        return;
    }

    if (llm_ending_is(&type, ".delta")) {
        llm_ending_text(r, data);

    } else if (llm_form_is(&type, "response.output_item.added")) {
        llm_ending_keep(r, &r->item, data, "item");
        llm_ending_keep(r, &r->index, data, "output_index");
        r->summary = 0;
        r->parts.len = 0;
        r->part.len = 0;
        r->text.len = 0;

    } else if (llm_form_is(&type, "response.output_item.done")) {
        llm_ending_list(r, &r->items, data, "item");
        r->item.len = 0;
        r->part.len = 0;
        r->text.len = 0;

    } else if (llm_ending_is(&type, "_part.added")) {
        r->summary = llm_form_is(&type,
                                 "response.reasoning_summary_part.added");
        llm_ending_keep(r, &r->part, data, "part");
        llm_ending_keep(r, &r->place, data, r->summary ? "summary_index"
                                                       : "content_index");
        r->text.len = 0;

    } else if (llm_ending_is(&type, "_part.done")) {
        llm_ending_list(r, &r->parts, data, "part");
        r->part.len = 0;
        r->text.len = 0;

    } else if (llm_form_member(data, "response", &value) == LLM_OK) {
        llm_ending_keep(r, &r->response, data, "response");
    }
}


/* a type with its quotes */

static unsigned
llm_ending_is(const llm_str_t *type, const char *tail)
{
    size_t  len;

    len = strlen(tail);

    return type->len > len + 2
           && memcmp(type->data + type->len - 1 - len, tail, len) == 0;
}


static void
llm_ending_keep(llm_ending_responses_t *r, llm_buf_t *b,
    const llm_str_t *data, const char *name)
{
    llm_str_t  value;

    b->len = 0;

    if (llm_form_member(data, name, &value) != LLM_OK) {
        return;
    }

    if (value.len > LLM_ENDING_MAX) {
        r->lost = 1;
        return;
    }

    llm_form_print_raw(b, &value);
}


static void
llm_ending_list(llm_ending_responses_t *r, llm_buf_t *list,
    const llm_str_t *data, const char *name)
{
    llm_str_t  value;

    if (llm_form_member(data, name, &value) != LLM_OK || r->lost) {
        return;
    }

    if (list->len + value.len > LLM_ENDING_MAX) {
        r->lost = 1;
        return;
    }

    if (list->len) {
        llm_buf_puts(list, ",");
    }

    llm_form_print_raw(list, &value);
}


/* escapes stay as they are: what follows one another in two strings may do so
   in one */

static void
llm_ending_text(llm_ending_responses_t *r, const llm_str_t *data)
{
    llm_str_t  value;

    if (llm_form_member(data, "delta", &value) != LLM_OK
        || llm_form_type(&value) != LLM_JSON_STRING || r->lost)
    {
        return;
    }

    if (r->text.len + value.len > LLM_ENDING_MAX) {
        r->lost = 1;
        return;
    }

    llm_buf_add(&r->text, value.data + 1, value.len - 2);
}


int
llm_ending_responses_print(llm_ending_t *e, const llm_str_t *data,
    const llm_usage_t *usage, llm_buf_t *out)
{
    llm_buf_t                scratch;
    llm_str_t                type;
    llm_ending_responses_t  *r;

    r = e->responses;

    if (r->response.failed || r->items.failed || r->item.failed
        || r->index.failed || r->place.failed || r->parts.failed
        || r->part.failed || r->text.failed)
    {
        return LLM_NOMEM;
    }

    if (llm_form_member(data, "type", &type) != LLM_OK
        || llm_form_is(&type, "response.completed")
        || llm_form_is(&type, "response.incomplete")
        || llm_form_is(&type, "response.failed"))
    {
        return LLM_AGAIN;
    }

    if (r->item.len) {

        llm_buf_init(&scratch, e->arena);

        if (r->part.len) {
            llm_ending_close_part(r, &scratch, out);
        }

        scratch.len = 0;
        llm_ending_print_item(r, &scratch);

        llm_ending_begin(r, "response.output_item.done", out);
        llm_buf_puts(out, ",\"output_index\":");
        llm_ending_raw(&r->index, out);
        llm_buf_puts(out, ",\"item\":");
        llm_buf_add(out, scratch.data, scratch.len);
        llm_buf_puts(out, "}\n\n");

        if (r->items.len) {
            llm_buf_puts(&r->items, ",");
        }

        llm_buf_add(&r->items, scratch.data, scratch.len);

        if (scratch.failed || r->items.failed) {
            return LLM_NOMEM;
        }
    }

    llm_ending_begin(r, "response.incomplete", out);
    llm_buf_puts(out, ",\"response\":{");
    llm_ending_print_response(r, usage, out);
    llm_buf_puts(out, "}}\n\n");

    return out->failed ? LLM_NOMEM : LLM_OK;
}


/* the open part is done, as far as it came */

static void
llm_ending_close_part(llm_ending_responses_t *r, llm_buf_t *scratch,
    llm_buf_t *out)
{
    unsigned   refusal;
    llm_str_t  part, type;

    part = llm_buf_str(&r->part);
    (void) llm_form_member(&part, "type", &type);

    refusal = llm_form_is(&type, "refusal");

    llm_ending_begin(r, r->summary ? "response.reasoning_summary_text.done"
                        : refusal ? "response.refusal.done"
                        : llm_form_is(&type, "reasoning_text")
                          ? "response.reasoning_text.done"
                        : "response.output_text.done", out);
    llm_ending_place(r, out);
    llm_buf_puts(out, refusal ? ",\"refusal\":\"" : ",\"text\":\"");
    llm_buf_add(out, r->text.data, r->text.len);
    llm_buf_puts(out, "\"}\n\n");

    llm_ending_print_part(r, scratch);

    llm_ending_begin(r, r->summary ? "response.reasoning_summary_part.done"
                        : "response.content_part.done", out);
    llm_ending_place(r, out);
    llm_buf_puts(out, ",\"part\":");
    llm_buf_add(out, scratch->data, scratch->len);
    llm_buf_puts(out, "}\n\n");

    if (r->parts.len) {
        llm_buf_puts(&r->parts, ",");
    }

    llm_buf_add(&r->parts, scratch->data, scratch->len);
}


/* where the open part is */

static void
llm_ending_place(llm_ending_responses_t *r, llm_buf_t *out)
{
    llm_str_t  item, id;

    item = llm_buf_str(&r->item);
    (void) llm_form_member(&item, "id", &id);

    llm_buf_puts(out, ",\"item_id\":");

    if (id.len) {
        llm_buf_add(out, id.data, id.len);

    } else {
        llm_buf_puts(out, "null");
    }

    llm_buf_puts(out, ",\"output_index\":");
    llm_ending_raw(&r->index, out);
    llm_buf_puts(out, r->summary ? ",\"summary_index\":"
                                 : ",\"content_index\":");
    llm_ending_raw(&r->place, out);
}


/* a value as it came, if it came */

static void
llm_ending_raw(const llm_buf_t *value, llm_buf_t *out)
{
    if (value->len) {
        llm_buf_add(out, value->data, value->len);

    } else {
        llm_buf_puts(out, "null");
    }
}


/* the part as it was opened, with its text */

static void
llm_ending_print_part(llm_ending_responses_t *r, llm_buf_t *out)
{
    unsigned    n;
    llm_str_t   part, name, value;
    llm_walk_t  w;

    part = llm_buf_str(&r->part);
    n = 0;

    llm_buf_puts(out, "{");
    llm_walk_open(&w, &part);

    while (llm_walk_member(&w, &name, &value)) {

        llm_ending_name(&name, &n, out);

        if (r->text.len && (llm_form_is(&name, "text")
                            || llm_form_is(&name, "refusal")))
        {
            llm_buf_puts(out, "\"");
            llm_buf_add(out, r->text.data, r->text.len);
            llm_buf_puts(out, "\"");

        } else {
            llm_buf_add(out, value.data, value.len);
        }
    }

    llm_buf_puts(out, "}");
}


/* the item as it was opened, with its parts, or its arguments */

static void
llm_ending_print_item(llm_ending_responses_t *r, llm_buf_t *out)
{
    unsigned    n;
    llm_str_t   item, name, value;
    llm_walk_t  w;

    item = llm_buf_str(&r->item);
    n = 0;

    llm_buf_puts(out, "{");
    llm_walk_open(&w, &item);

    while (llm_walk_member(&w, &name, &value)) {

        llm_ending_name(&name, &n, out);

        if (llm_form_is(&name, "status")) {
            llm_buf_puts(out, "\"incomplete\"");

        } else if (r->parts.len
                   && llm_form_is(&name, r->summary ? "summary" : "content"))
        {
            llm_buf_puts(out, "[");
            llm_buf_add(out, r->parts.data, r->parts.len);
            llm_buf_puts(out, "]");

        } else if (r->text.len
                   && (llm_form_is(&name, "arguments")
                       || (llm_form_is(&name, "input")
                           && llm_form_type(&value) == LLM_JSON_STRING)))
        {
            llm_buf_puts(out, "\"");
            llm_buf_add(out, r->text.data, r->text.len);
            llm_buf_puts(out, "\"");

        } else {
            llm_buf_add(out, value.data, value.len);
        }
    }

    llm_buf_puts(out, "}");
}


static void
llm_ending_print_response(llm_ending_responses_t *r,
    const llm_usage_t *usage, llm_buf_t *out)
{
    unsigned    n;
    llm_str_t   response, name, value;
    llm_walk_t  w;

    /* one that was too long to keep has no more than what follows */

    static const llm_str_t  nothing = llm_string("{}");

    response = r->response.len ? llm_buf_str(&r->response) : nothing;
    n = 0;

    llm_walk_open(&w, &response);

    while (llm_walk_member(&w, &name, &value)) {

        if (llm_form_is(&name, "status")
            || llm_form_is(&name, "incomplete_details")
            || llm_form_is(&name, "output")
            || llm_form_is(&name, "usage"))
        {
            continue;
        }

        llm_ending_name(&name, &n, out);
        llm_buf_add(out, value.data, value.len);
    }

    llm_buf_puts(out, n ? "," : "");
    llm_buf_puts(out, "\"status\":\"incomplete\",\"incomplete_details\":"
                      "{\"reason\":\"max_output_tokens\"},\"output\":[");

    if (!r->lost) {
        llm_buf_add(out, r->items.data, r->items.len);
    }

    llm_buf_puts(out, "],\"usage\":");
    llm_responses_print_usage(usage, out);
}


static void
llm_ending_begin(llm_ending_responses_t *r, const char *type, llm_buf_t *out)
{
    r->sequence++;

    llm_buf_puts(out, "event: ");
    llm_buf_puts(out, type);
    llm_buf_puts(out, "\ndata: {\"type\":\"");
    llm_buf_puts(out, type);
    llm_buf_puts(out, "\",\"sequence_number\":");
    llm_buf_int(out, r->sequence);
}


static void
llm_ending_name(const llm_str_t *name, unsigned *n, llm_buf_t *out)
{
    if ((*n)++) {
        llm_buf_puts(out, ",");
    }

    llm_buf_add(out, name->data, name->len);
    llm_buf_puts(out, ":");
}
