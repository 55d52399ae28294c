
/*
 * OpenAI Responses API: a provider's stream.
 *
 * What an item's end repeats is told where its pieces did not come.  Pieces of
 * a call wait while another call is not done.
 */


#include "llm_fault.h"
#include "llm_responses.h"


#define LLM_RESPONSES_TOLD  64    /* items whose pieces are remembered */


typedef struct {
    const char      *type;
    void           (*read)(llm_translate_t *x, const llm_str_t *event);
} llm_responses_event_t;


static void llm_responses_on_created(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_added(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_item(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_text(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_text_done(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_refusal(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_refusal_done(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_note(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_summary_part(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_summary(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_raw(llm_translate_t *x, const llm_str_t *event);
static void llm_responses_on_arguments(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_arguments_done(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_end(llm_translate_t *x, const llm_str_t *event);
static void llm_responses_on_failed(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_on_error(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_tell(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *event, const llm_str_t *text, unsigned whole);
static int64_t llm_responses_index(const llm_str_t *event);
static llm_responses_item_t *llm_responses_find(llm_translate_t *x,
    const llm_str_t *event);
static void llm_responses_arguments(llm_translate_t *x,
    llm_responses_item_t *call, const llm_str_t *text, unsigned whole);
static void llm_responses_pump(llm_translate_t *x, unsigned all);


static const llm_responses_event_t  llm_responses_events[] = {
    { "response.output_text.delta", llm_responses_on_text },
    { "response.function_call_arguments.delta", llm_responses_on_arguments },
    { "response.reasoning_summary_text.delta", llm_responses_on_summary },
    { "response.reasoning_text.delta", llm_responses_on_raw },
    { "response.created", llm_responses_on_created },
    { "response.output_item.added", llm_responses_on_added },
    { "response.output_item.done", llm_responses_on_item },
    { "response.output_text.done", llm_responses_on_text_done },
    { "response.refusal.delta", llm_responses_on_refusal },
    { "response.refusal.done", llm_responses_on_refusal_done },
    { "response.output_text.annotation.added", llm_responses_on_note },
    { "response.reasoning_summary_part.added",
      llm_responses_on_summary_part },
    { "response.function_call_arguments.done",
      llm_responses_on_arguments_done },
    { "response.completed", llm_responses_on_end },
    { "response.incomplete", llm_responses_on_end },
    { "response.failed", llm_responses_on_failed },
    { "error", llm_responses_on_error },
    { NULL, NULL }
};


int
llm_responses_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    llm_str_t                     type;
    const llm_responses_event_t  *e;

    if (llm_form_type(data) != LLM_JSON_OBJECT) {
        return llm_fault_tell(x, data) == LLM_OK ? LLM_OK : LLM_INVALID;
    }

    if (llm_form_member(data, "type", &type) != LLM_OK) {

        /* no event of this protocol: nothing, or an error */

        llm_fault_tell(x, data);
        return LLM_OK;
    }

    for (e = llm_responses_events; e->type; e++) {

        if (llm_form_is(&type, e->type)) {
            e->read(x, data);
            break;
        }
    }

    return LLM_OK;
}


int
llm_responses_read_end(llm_translate_t *x)
{
    return LLM_INVALID;
}


static void
llm_responses_on_created(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t  response, id, model;

    if (llm_form_member(event, "response", &response) == LLM_OK) {
        llm_translate_member(x, &response, "id", &id);
        llm_translate_member(x, &response, "model", &model);
        llm_translate_start(x, &id, &model);
    }
}


static void
llm_responses_on_added(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t                item, type, text;
    llm_responses_item_t    *call;
    llm_responses_reader_t  *r;

    r = x->reader;

    r->sent = 0;
    r->summary = 0;
    r->raw = 0;

    if (llm_form_member(event, "item", &item) != LLM_OK) {
        return;
    }

    llm_form_member(&item, "type", &type);

    if (!llm_form_is(&type, "function_call")) {
        return;
    }

    call = llm_calloc(x->arena, sizeof(llm_responses_item_t));
    if (call == NULL) {
        x->nomem = 1;
        return;
    }

    call->index = llm_responses_index(event);
    llm_buf_init(&call->pending, x->arena);

    llm_translate_member(x, &item, "call_id", &text);

    if (llm_str_dup(x->arena, &call->id, text.data, text.len) != LLM_OK) {
        x->nomem = 1;
        return;
    }

    llm_translate_member(x, &item, "name", &text);

    if (llm_str_dup(x->arena, &call->name, text.data, text.len) != LLM_OK) {
        x->nomem = 1;
        return;
    }

    if (r->last == NULL) {
        r->last = &r->calls;
    }

    *r->last = call;
    r->last = &call->next;

    llm_translate_member(x, &item, "arguments", &text);
    llm_responses_arguments(x, call, &text, 0);
}


/* the end of an item, which repeats all of it */

static void
llm_responses_on_item(llm_translate_t *x, const llm_str_t *event)
{
    int64_t                  index;
    llm_str_t                item, type, text;
    llm_responses_item_t    *call;
    llm_responses_reader_t  *r;

    r = x->reader;

    if (llm_form_member(event, "item", &item) != LLM_OK) {
        return;
    }

    llm_form_member(&item, "type", &type);

    if (llm_form_is(&type, "function_call")) {
        call = llm_responses_find(x, event);

        if (call == NULL) {
            llm_responses_read_whole(x, &item);
            return;
        }

        llm_translate_member(x, &item, "arguments", &text);
        llm_responses_arguments(x, call, &text, 1);

        call->done = 1;
        llm_responses_pump(x, 0);
        return;
    }

    index = llm_responses_index(event);

    if (index < LLM_RESPONSES_TOLD && (r->told >> index & 1)) {

        if (llm_form_is(&type, "reasoning")) {
            llm_responses_read_state(x, &item);
        }

        if (r->current == NULL) {
            llm_translate_close(x);
        }

        return;
    }

    llm_responses_read_whole(x, &item);
}


static void
llm_responses_on_text(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t  text;

    llm_translate_member_text(x, event, "delta", &text);
    llm_responses_tell(x, LLM_BLOCK_TEXT, event, &text, 0);
}


static void
llm_responses_on_text_done(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t  text;

    llm_translate_member(x, event, "text", &text);
    llm_responses_tell(x, LLM_BLOCK_TEXT, event, &text, 1);
}


static void
llm_responses_on_refusal(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t                text;
    llm_responses_reader_t  *r;

    r = x->reader;
    r->refused = 1;

    llm_translate_member_text(x, event, "delta", &text);
    llm_responses_tell(x, LLM_BLOCK_REFUSAL, event, &text, 0);
}


static void
llm_responses_on_refusal_done(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t                text;
    llm_responses_reader_t  *r;

    r = x->reader;
    r->refused = 1;

    llm_translate_member(x, event, "refusal", &text);
    llm_responses_tell(x, LLM_BLOCK_REFUSAL, event, &text, 1);
}


static void
llm_responses_on_note(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t  note;

    if (llm_form_member(event, "annotation", &note) == LLM_OK) {
        llm_responses_read_note(x, &note);
    }
}


static void
llm_responses_on_summary_part(llm_translate_t *x, const llm_str_t *event)
{
    llm_responses_reader_t  *r;

    static const llm_str_t  blank = llm_string("\n\n");

    r = x->reader;

    if (r->summary && x->open && x->block == LLM_BLOCK_THINKING) {
        llm_translate_delta(x, &blank);
    }
}


/* of the two ways to tell an item's reasoning the first one counts */

static void
llm_responses_on_summary(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t                text;
    llm_responses_reader_t  *r;

    r = x->reader;

    if (!r->raw) {
        r->summary = 1;
        llm_translate_member_text(x, event, "delta", &text);
        llm_responses_tell(x, LLM_BLOCK_THINKING, event, &text, 0);
    }
}


static void
llm_responses_on_raw(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t                text;
    llm_responses_reader_t  *r;

    r = x->reader;

    if (!r->summary) {
        r->raw = 1;
        llm_translate_member_text(x, event, "delta", &text);
        llm_responses_tell(x, LLM_BLOCK_THINKING, event, &text, 0);
    }
}


/* whole: all of a part, whose pieces may have been told */

static void
llm_responses_tell(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *event, const llm_str_t *text, unsigned whole)
{
    int64_t                  index;
    llm_responses_reader_t  *r;

    r = x->reader;

    if (whole) {

        if (r->sent) {
            r->sent = 0;
            return;
        }

    } else {
        r->sent += text->len;
    }

    if (text->len == 0) {
        return;
    }

    /* calls before it are over, whether that was said or not */

    llm_responses_pump(x, 1);

    index = llm_responses_index(event);

    if (index < LLM_RESPONSES_TOLD) {
        r->told |= (uint64_t) 1 << index;
    }

    if (!x->open || x->block != kind) {
        llm_translate_open(x, kind, NULL, NULL);
    }

    llm_translate_delta(x, text);
}


static int64_t
llm_responses_index(const llm_str_t *event)
{
    int64_t    n;
    llm_str_t  value;

    if (llm_form_member(event, "output_index", &value) == LLM_OK
        && llm_json_int(&value, &n) == LLM_OK && n >= 0)
    {
        return n;
    }

    return 0;
}


static llm_responses_item_t *
llm_responses_find(llm_translate_t *x, const llm_str_t *event)
{
    int64_t                  index;
    llm_responses_item_t    *call, *found;
    llm_responses_reader_t  *r;

    r = x->reader;
    index = llm_responses_index(event);
    found = NULL;

    for (call = r->calls; call; call = call->next) {

        if (call->index == index) {
            found = call;
        }
    }

    return found;
}


static void
llm_responses_on_arguments(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t              text;
    llm_responses_item_t  *call;

    call = llm_responses_find(x, event);

    if (call) {
        llm_translate_member_text(x, event, "delta", &text);
        llm_responses_arguments(x, call, &text, 0);
    }
}


static void
llm_responses_on_arguments_done(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t              text;
    llm_responses_item_t  *call;

    call = llm_responses_find(x, event);

    if (call) {
        llm_translate_member(x, event, "arguments", &text);
        llm_responses_arguments(x, call, &text, 1);
    }
}


/* whole: all of them, of which some may have come */

static void
llm_responses_arguments(llm_translate_t *x, llm_responses_item_t *call,
    const llm_str_t *text, unsigned whole)
{
    uint32_t   half;
    llm_str_t  rest;

    if (call->done || text->len == 0) {
        return;
    }

    rest = *text;

    /* halves of surrogates take more bytes than the pair that they are */

    (void) llm_form_half(rest.data, rest.data + rest.len, &half);

    if (half) {
        call->halves = 1;
    }

    if (whole) {

        if (rest.len <= call->sent || call->halves) {
            return;
        }

        rest.data += call->sent;
        rest.len -= call->sent;
    }

    call->sent += rest.len;

    llm_buf_add(&call->pending, rest.data, rest.len);

    if (call->pending.failed) {
        x->nomem = 1;
    }

    llm_responses_pump(x, 0);
}


/* all: whatever is open is over */

static void
llm_responses_pump(llm_translate_t *x, unsigned all)
{
    llm_str_t                text;
    llm_responses_item_t    *call;
    llm_responses_reader_t  *r;

    r = x->reader;

    for ( ;; ) {
        call = r->current;

        if (call) {
            text.data = call->pending.data;
            text.len = call->pending.len;
            llm_translate_delta(x, &text);
            call->pending.len = 0;

            if (!call->done && !all) {
                return;
            }

            llm_translate_close(x);
            r->current = NULL;
        }

        for (call = r->calls; call && call->opened; call = call->next) {
            /* void */
        }

        if (call == NULL) {
            return;
        }

        call->opened = 1;

        if (call->name.len) {
            llm_translate_open(x, LLM_BLOCK_TOOL_CALL, &call->id,
                               &call->name);
            r->current = call;
        }
    }
}


/* a server may tell nothing before the whole */

static void
llm_responses_on_end(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t  response;

    if (llm_form_member(event, "response", &response) != LLM_OK) {
        return;
    }

    llm_responses_pump(x, 1);

    if (!x->started) {
        llm_responses_on_created(x, event);
    }

    if (x->nblocks == 0) {
        llm_responses_read_output(x, &response);
    }

    llm_responses_read_status(x, &response);
    llm_translate_done(x);
}


static void
llm_responses_on_failed(llm_translate_t *x, const llm_str_t *event)
{
    llm_str_t  response;

    static const llm_str_t  failed = llm_string("the provider's model "
                                                "failed");

    if (llm_form_member(event, "response", &response) != LLM_OK
        || llm_fault_tell(x, &response) != LLM_OK)
    {
        llm_translate_error(x, LLM_FAULT_SERVER, NULL, &failed);
    }
}


/* nested, as it is sent, or at the top, as it is documented */

static void
llm_responses_on_error(llm_translate_t *x, const llm_str_t *event)
{
    static const llm_str_t  failed = llm_string("the provider failed");

    if (llm_fault_tell(x, event) != LLM_OK) {
        llm_translate_error(x, LLM_FAULT_SERVER, NULL, &failed);
    }
}
