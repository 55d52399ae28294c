
/*
 * OpenAI chat completions: what an answer or a chunk of one adds.
 *
 * Chunks of parallel calls may be mixed, and parts may not: while the
 * arguments of one call are incomplete, what belongs to others waits.
 */


#include "llm_chat.h"


static void llm_chat_read_thoughts_of(llm_translate_t *x,
    const llm_str_t *delta);
static void llm_chat_read_details(llm_translate_t *x,
    const llm_str_t *details);
static void llm_chat_tell_details(llm_translate_t *x);
static void llm_chat_read_text_of(llm_translate_t *x,
    const llm_str_t *content);
static void llm_chat_read_element(llm_translate_t *x,
    const llm_str_t *element);
static void llm_chat_tell(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *text);
static void llm_chat_read_notes(llm_translate_t *x, const llm_str_t *notes);
static void llm_chat_read_images(llm_translate_t *x,
    const llm_str_t *images);
static void llm_chat_read_calls(llm_translate_t *x, const llm_str_t *calls);
static void llm_chat_read_call_of(llm_translate_t *x, const llm_str_t *call,
    const llm_str_t *function, int64_t index);
static llm_chat_call_t *llm_chat_find_call(llm_translate_t *x, int64_t index,
    const llm_str_t *id, const llm_str_t *name);
static void llm_chat_pump(llm_translate_t *x);
static void llm_chat_open_call(llm_translate_t *x, llm_chat_call_t *call);
static void llm_chat_follow(llm_chat_call_t *call, const llm_str_t *text);
static unsigned llm_chat_complete(const llm_chat_call_t *call);


void
llm_chat_read_delta(llm_translate_t *x, const llm_str_t *delta)
{
    llm_str_t           value, text;
    llm_chat_reader_t  *r;

    r = x->reader;

    llm_chat_read_thoughts_of(x, delta);

    if (llm_form_member(delta, "content", &value) == LLM_OK) {
        llm_chat_read_text_of(x, &value);
    }

    llm_translate_member_text(x, delta, "refusal", &text);

    if (text.len) {
        r->refused = 1;
        llm_chat_tell(x, LLM_BLOCK_REFUSAL, &text);
    }

    if (llm_form_member(delta, "annotations", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_ARRAY)
    {
        llm_chat_read_notes(x, &value);
    }

    if (llm_form_member(delta, "images", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_ARRAY)
    {
        llm_chat_read_images(x, &value);
    }

    if (llm_form_member(delta, "tool_calls", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_ARRAY)
    {
        llm_chat_read_calls(x, &value);
    }

    if (llm_form_member(delta, "function_call", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_OBJECT)
    {
        llm_chat_read_call_of(x, &value, &value, 0);
    }
}


/* some servers tell the same in two of these */

static void
llm_chat_read_thoughts_of(llm_translate_t *x, const llm_str_t *delta)
{
    unsigned   i;
    llm_str_t  text, details;

    static const char  *names[] = {
        "reasoning_content", "reasoning", "reasoning_text"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        llm_translate_member_text(x, delta, names[i], &text);

        if (text.len) {
            llm_chat_tell(x, LLM_BLOCK_THINKING, &text);
            break;
        }
    }

    if (llm_quirk(x->to, OPENROUTER)
        && llm_form_member(delta, "reasoning_details", &details) == LLM_OK
        && llm_form_type(&details) == LLM_JSON_ARRAY)
    {
        llm_chat_read_details(x, &details);
    }
}


/*
 * OpenRouter wants its details back in their order; pieces of one text, which
 * are told as reasoning as well, may stay pieces.
 */

static void
llm_chat_read_details(llm_translate_t *x, const llm_str_t *details)
{
    llm_str_t           v;
    llm_walk_t          w;
    llm_chat_reader_t  *r;

    r = x->reader;

    if (r->details.arena == NULL) {
        llm_buf_init(&r->details, x->arena);
    }

    llm_walk_open(&w, details);

    while (llm_walk_element(&w, &v)) {
        llm_buf_puts(&r->details, r->details.len ? "," : "[");
        llm_form_print_raw(&r->details, &v);
    }
}


static void
llm_chat_tell_details(llm_translate_t *x)
{
    llm_part_t          part;
    llm_chat_reader_t  *r;

    r = x->reader;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STATE;

    if (r->details.len == 0) {

        if (x->open && x->block == LLM_BLOCK_THINKING
            && llm_quirk(x->to, REPLAY_REASONING))
        {
            part.state.kind = LLM_STATE_TEXT;
            llm_translate_part(x, &part);
            llm_translate_close(x);
        }

        return;
    }

    llm_buf_puts(&r->details, "]");

    if (!x->open || x->block != LLM_BLOCK_THINKING) {
        llm_translate_open(x, LLM_BLOCK_REDACTED, NULL, NULL);
    }

    part.state.kind = LLM_STATE_OPENROUTER;
    part.state.data.data = r->details.data;
    part.state.data.len = r->details.len;

    llm_translate_part(x, &part);
    llm_translate_close(x);

    r->details.len = 0;
}


static void
llm_chat_read_text_of(llm_translate_t *x, const llm_str_t *content)
{
    llm_str_t   text, v;
    llm_walk_t  w;

    if (llm_form_type(content) != LLM_JSON_ARRAY) {
        llm_translate_text(x, content, &text);

        if (text.len) {
            llm_chat_tell(x, LLM_BLOCK_TEXT, &text);
        }

        return;
    }

    llm_walk_open(&w, content);

    while (llm_walk_element(&w, &v)) {
        llm_chat_read_element(x, &v);
    }
}


/* Mistral's: text, or thinking that holds texts */

static void
llm_chat_read_element(llm_translate_t *x, const llm_str_t *element)
{
    llm_str_t   type, list, v, text;
    llm_walk_t  w;

    if (llm_form_member(element, "type", &type) != LLM_OK) {
        return;
    }

    if (llm_form_is(&type, "text")) {
        llm_translate_member_text(x, element, "text", &text);

        if (text.len) {
            llm_chat_tell(x, LLM_BLOCK_TEXT, &text);
        }

        return;
    }

    if (!llm_form_is(&type, "thinking")
        || llm_form_member(element, "thinking", &list) != LLM_OK)
    {
        return;
    }

    if (llm_form_type(&list) != LLM_JSON_ARRAY) {
        llm_translate_text(x, &list, &text);

        if (text.len) {
            llm_chat_tell(x, LLM_BLOCK_THINKING, &text);
        }

        return;
    }

    llm_walk_open(&w, &list);

    while (llm_walk_element(&w, &v)) {
        llm_translate_member_text(x, &v, "text", &text);

        if (text.len) {
            llm_chat_tell(x, LLM_BLOCK_THINKING, &text);
        }
    }
}


/* text of a kind, in a block of its kind */

static void
llm_chat_tell(llm_translate_t *x, llm_block_e kind, const llm_str_t *text)
{
    llm_chat_reader_t  *r;

    r = x->reader;

    if (r->current && x->open && x->block == LLM_BLOCK_TOOL_CALL
        && !llm_chat_complete(r->current))
    {
        if (kind == LLM_BLOCK_TEXT) {

            if (r->late.arena == NULL) {
                llm_buf_init(&r->late, x->arena);
            }

            llm_buf_add(&r->late, text->data, text->len);
        }

        return;
    }

    r->current = NULL;

    if (!x->open || x->block != kind) {

        if (kind != LLM_BLOCK_THINKING) {
            llm_chat_tell_details(x);
        }

        llm_translate_open(x, kind, NULL, NULL);
    }

    llm_translate_delta(x, text);
}


static void
llm_chat_read_notes(llm_translate_t *x, const llm_str_t *notes)
{
    llm_str_t   v, note;
    llm_part_t  part;
    llm_walk_t  w;

    llm_walk_open(&w, notes);

    while (llm_walk_element(&w, &v)) {

        if (llm_form_member(&v, "url_citation", &note) != LLM_OK) {
            continue;
        }

        memset(&part, 0, sizeof(llm_part_t));

        part.type = LLM_PART_NOTE;

        llm_translate_member(x, &note, "url", &part.id);
        llm_translate_member(x, &note, "title", &part.name);

        if (part.id.len) {
            llm_translate_part(x, &part);
        }
    }
}


static void
llm_chat_read_images(llm_translate_t *x, const llm_str_t *images)
{
    llm_str_t    v, url, text;
    llm_form_t   form;
    llm_walk_t   w;
    llm_part_t   part;
    llm_block_t  block;

    llm_walk_open(&w, images);

    while (llm_walk_element(&w, &v)) {

        if (llm_form_member(&v, "image_url", &url) != LLM_OK) {
            continue;
        }

        llm_translate_member(x, &url, "url", &text);

        memset(&form, 0, sizeof(llm_form_t));
        memset(&block, 0, sizeof(llm_block_t));

        form.arena = x->arena;
        block.kind = LLM_BLOCK_IMAGE;

        if (text.len == 0
            || llm_form_media(&form, &block, &text) != LLM_OK
            || block.source != LLM_SOURCE_BASE64)
        {
            continue;
        }

        memset(&part, 0, sizeof(llm_part_t));

        part.type = LLM_PART_OPEN;
        part.block = LLM_BLOCK_IMAGE;
        part.mime = block.mime;

        llm_translate_part(x, &part);
        llm_translate_delta(x, &block.data);
        llm_translate_close(x);
    }
}


static void
llm_chat_read_calls(llm_translate_t *x, const llm_str_t *calls)
{
    int64_t     index, n;
    llm_str_t   call, function, value;
    llm_walk_t  w;

    llm_walk_open(&w, calls);

    for (n = 0; llm_walk_element(&w, &call); n++) {

        if (llm_form_member(&call, "function", &function) != LLM_OK
            && llm_form_member(&call, "custom", &function) != LLM_OK)
        {
            continue;
        }

        if (llm_form_member(&call, "index", &value) != LLM_OK
            || llm_json_int(&value, &index) != LLM_OK)
        {
            index = n;
        }

        llm_chat_read_call_of(x, &call, &function, index);
    }
}


static void
llm_chat_read_call_of(llm_translate_t *x, const llm_str_t *call,
    const llm_str_t *function, int64_t index)
{
    llm_str_t         id, name, text, value;
    llm_chat_call_t  *c;

    llm_translate_member(x, call, "id", &id);
    llm_translate_member(x, function, "name", &name);

    c = llm_chat_find_call(x, index, &id, &name);
    if (c == NULL) {
        x->nomem = 1;
        return;
    }

    if (c->id.len == 0 && id.len
        && llm_str_dup(x->arena, &c->id, id.data, id.len) != LLM_OK)
    {
        x->nomem = 1;
    }

    if (c->name.len == 0 && name.len
        && llm_str_dup(x->arena, &c->name, name.data, name.len) != LLM_OK)
    {
        x->nomem = 1;
    }

    if (llm_form_member(call, "extra_content", &value) == LLM_OK
        && llm_form_member(&value, "google", &value) == LLM_OK)
    {
        llm_translate_member(x, &value, "thought_signature", &text);

        if (text.len
            && llm_str_dup(x->arena, &c->signature, text.data, text.len)
               != LLM_OK)
        {
            x->nomem = 1;
        }
    }

    /* a few servers tell arguments as an object */

    if (llm_form_member(function, "arguments", &value) == LLM_OK
        && llm_form_type(&value) == LLM_JSON_OBJECT)
    {
        text = value;

    } else {
        llm_translate_member_text(x, function, "arguments", &text);
    }

    llm_buf_add(&c->pending, text.data, text.len);
    llm_chat_follow(c, &text);

    llm_chat_pump(x);
}


/*
 * A delta belongs to the last call of its index, unless it tells another id;
 * where ids are not told, a name behind complete arguments is a new call.
 */

static llm_chat_call_t *
llm_chat_find_call(llm_translate_t *x, int64_t index, const llm_str_t *id,
    const llm_str_t *name)
{
    llm_chat_call_t    *c, *found;
    llm_chat_reader_t  *r;

    r = x->reader;
    found = NULL;

    for (c = r->calls; c; c = c->next) {

        if (c->index == index) {
            found = c;
        }
    }

    if (found
        && !(id->len && found->id.len
             && (id->len != found->id.len
                 || memcmp(id->data, found->id.data, id->len) != 0))
        && !(id->len == 0 && name->len && found->name.len
             && llm_chat_complete(found)))
    {
        return found;
    }

    c = llm_calloc(x->arena, sizeof(llm_chat_call_t));
    if (c == NULL) {
        return NULL;
    }

    c->index = index;
    llm_buf_init(&c->pending, x->arena);

    if (r->last == NULL) {
        r->last = &r->calls;
    }

    *r->last = c;
    r->last = &c->next;

    return c;
}


/* tells what may be told by now, in the order of the calls */

static void
llm_chat_pump(llm_translate_t *x)
{
    llm_str_t           text;
    llm_chat_call_t    *c;
    llm_chat_reader_t  *r;

    r = x->reader;

    for ( ;; ) {
        c = r->current;

        if (c) {
            text.data = c->pending.data;
            text.len = c->pending.len;
            llm_translate_delta(x, &text);
            c->pending.len = 0;

            if (!llm_chat_complete(c)) {
                return;
            }
        }

        for (c = r->calls; c && c->opened; c = c->next) { /* void */ }

        if (c == NULL || c->name.len == 0) {
            return;
        }

        llm_chat_open_call(x, c);
    }
}


static void
llm_chat_open_call(llm_translate_t *x, llm_chat_call_t *call)
{
    llm_part_t          part;
    llm_chat_reader_t  *r;

    r = x->reader;

    llm_chat_tell_details(x);

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_OPEN;
    part.block = LLM_BLOCK_TOOL_CALL;
    part.id = call->id;
    part.name = call->name;

    if (call->signature.len) {
        part.state.kind = LLM_STATE_GEMINI;
        part.state.data = call->signature;
    }

    llm_translate_part(x, &part);

    call->opened = 1;
    r->current = call;
}


void
llm_chat_read_flush(llm_translate_t *x)
{
    llm_str_t           text;
    llm_chat_call_t    *c;
    llm_chat_reader_t  *r;

    r = x->reader;

    for (c = r->calls; c; c = c->next) {

        /* one without a name cannot be called */

        if (c->name.len == 0 || (c->opened && c != r->current)) {
            continue;
        }

        if (!c->opened) {
            llm_chat_open_call(x, c);
        }

        text.data = c->pending.data;
        text.len = c->pending.len;
        llm_translate_delta(x, &text);
        c->pending.len = 0;
    }

    r->current = NULL;

    if (r->late.len) {
        text.data = r->late.data;
        text.len = r->late.len;
        r->late.len = 0;

        llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);
        llm_translate_delta(x, &text);
    }

    llm_chat_tell_details(x);
}


/* keeps track of brackets, to know when the arguments are complete */

static void
llm_chat_follow(llm_chat_call_t *call, const llm_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if (call->escape) {
            call->escape = 0;
            continue;
        }

        switch (text->data[i]) {

        case '\\':
            call->escape = call->string;
            break;

        case '"':
            call->string = !call->string;
            break;

        case '{':
        case '[':

            if (!call->string) {
                call->begun = 1;
                call->depth++;
            }

            break;

        case '}':
        case ']':

            if (!call->string && call->depth) {
                call->depth--;
            }

            break;

        default:
            break;
        }
    }
}


static unsigned
llm_chat_complete(const llm_chat_call_t *call)
{
    return call->begun && call->depth == 0 && !call->string;
}
