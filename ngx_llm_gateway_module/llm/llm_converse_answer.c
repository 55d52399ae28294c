
/* an answer of Bedrock's Converse API, read into parts */


#include "llm_base64.h"
#include "llm_converse.h"
#include "llm_fault.h"


#define ANY  UINT32_MAX


enum {
    OUTPUT = 0,
    MESSAGE,
    CONTENT,
    STOP,
    START,
    DELTA,
    ANSWER_N
};

static const llm_pick_t  llm_converse_answer_picks[ANSWER_N] = {
    { "output",     LLM_PICK_ROOT, 0, 0 },
    { "message",    OUTPUT,        0, 0 },
    { "content",    MESSAGE,       LLM_PICK_RAW, ANY },
    { "stopReason", LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "start",      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "delta",      LLM_PICK_ROOT, LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_converse_answer_set
    = llm_picks(llm_converse_answer_picks);


/* a block of content, or what of it comes in an event */

enum {
    TEXT = 0,
    TOOL,
    TOOL_ID,
    TOOL_NAME,
    TOOL_INPUT,
    REASONING,
    REASONING_REDACTED,
    REASONING_TEXT,
    REASONING_WHOLE,
    REASONING_INNER,
    REASONING_INNER_SIGNATURE,
    REASONING_SIGNATURE,
    CITATIONS,
    CITATIONS_CONTENT,
    CITATIONS_LIST,
    CITATION,
    IMAGE,
    IMAGE_FORMAT,
    IMAGE_SOURCE,
    IMAGE_BYTES,
    BLOCK_N
};

static const llm_pick_t  llm_converse_block_picks[BLOCK_N] = {
    { "text",             LLM_PICK_ROOT,   LLM_PICK_RAW, ANY },
    { "toolUse",          LLM_PICK_ROOT,   0, 0 },
    { "toolUseId",        TOOL,            LLM_PICK_RAW, ANY },
    { "name",             TOOL,            LLM_PICK_RAW, ANY },
    { "input",            TOOL,            LLM_PICK_RAW, ANY },
    { "reasoningContent", LLM_PICK_ROOT,   0, 0 },
    { "redactedContent",  REASONING,       LLM_PICK_RAW, ANY },
    { "text",             REASONING,       LLM_PICK_RAW, ANY },
    { "reasoningText",    REASONING,       0, 0 },
    { "text",             REASONING_WHOLE, LLM_PICK_RAW, ANY },
    { "signature",        REASONING_WHOLE, LLM_PICK_RAW, ANY },
    { "signature",        REASONING,       LLM_PICK_RAW, ANY },
    { "citationsContent", LLM_PICK_ROOT,   0, 0 },
    { "content",          CITATIONS,       LLM_PICK_RAW, ANY },
    { "citations",        CITATIONS,       LLM_PICK_RAW, ANY },
    { "citation",         LLM_PICK_ROOT,   LLM_PICK_RAW, ANY },
    { "image",            LLM_PICK_ROOT,   0, 0 },
    { "format",           IMAGE,           LLM_PICK_RAW, ANY },
    { "source",           IMAGE,           0, 0 },
    { "bytes",            IMAGE_SOURCE,    LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_converse_block_set
    = llm_picks(llm_converse_block_picks);


typedef struct {
    const char      *name;
    llm_stop_e       stop;
} llm_converse_stop_t;

static const llm_converse_stop_t  llm_converse_stops[] = {
    { "end_turn",                      LLM_STOP_END },
    { "stop_sequence",                 LLM_STOP_SEQUENCE },
    { "tool_use",                      LLM_STOP_TOOL },
    { "max_tokens",                    LLM_STOP_LENGTH },
    { "model_context_window_exceeded", LLM_STOP_LENGTH },
    { "guardrail_intervened",          LLM_STOP_FILTER },
    { "content_filtered",              LLM_STOP_FILTER },
    { "refusal",                       LLM_STOP_REFUSAL },
    { NULL,                            LLM_STOP_END }
};


static void llm_converse_block(llm_translate_t *x, const llm_str_t *block);
static void llm_converse_delta(llm_translate_t *x, const llm_str_t *delta);
static void llm_converse_open(llm_translate_t *x, llm_block_e kind);
static void llm_converse_open_call(llm_translate_t *x, const llm_str_t *v);
static void llm_converse_close(llm_translate_t *x);
static void llm_converse_text(llm_translate_t *x, const llm_str_t *raw);
static void llm_converse_signature(llm_translate_t *x, const llm_str_t *raw);
static void llm_converse_redacted(llm_translate_t *x, const llm_str_t *raw);
static void llm_converse_image(llm_translate_t *x, const llm_str_t *v);
static void llm_converse_cited(llm_translate_t *x, const llm_str_t *v);
static void llm_converse_note(llm_translate_t *x, const llm_str_t *citation);
static void llm_converse_stop(llm_translate_t *x, const llm_str_t *reason);


int
llm_converse_read_answer(llm_translate_t *x, const llm_str_t *body)
{
    llm_str_t   v[ANSWER_N], element;
    llm_walk_t  w;

    if (llm_claude_counts(x->form)) {
        return LLM_OK;
    }

    if (llm_scan_kept(&llm_converse_answer_set, body, v) != LLM_OK) {
        return LLM_INVALID;
    }

    if (llm_form_type(&v[CONTENT]) != LLM_JSON_ARRAY) {
        return llm_fault_tell(x, body) == LLM_OK ? LLM_OK : LLM_INVALID;
    }

    llm_translate_start(x, NULL, &x->to->model);

    llm_walk_open(&w, &v[CONTENT]);

    while (llm_walk_element(&w, &element)) {
        llm_converse_block(x, &element);
        x->scratch.len = 0;
    }

    llm_converse_stop(x, &v[STOP]);

    return LLM_OK;
}


/* name is the event's type, or that of an exception */

int
llm_converse_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    llm_str_t  v[ANSWER_N], b[BLOCK_N];

    if (llm_scan_kept(&llm_converse_answer_set, data, v) != LLM_OK) {
        return LLM_INVALID;
    }

    if (llm_str_is(name, "contentBlockDelta")) {
        llm_converse_delta(x, &v[DELTA]);

    } else if (llm_str_is(name, "contentBlockStart")) {

        if (llm_scan_kept(&llm_converse_block_set, &v[START], b) == LLM_OK
            && llm_form_type(&b[TOOL_ID]) == LLM_JSON_STRING)
        {
            llm_converse_open_call(x, b);
        }

    } else if (llm_str_is(name, "contentBlockStop")) {
        llm_converse_close(x);

    } else if (llm_str_is(name, "messageStart")) {
        llm_translate_start(x, NULL, &x->to->model);

    } else if (llm_str_is(name, "messageStop")) {
        llm_converse_close(x);
        llm_converse_stop(x, &v[STOP]);

    } else if (llm_str_is(name, "metadata")) {

        /* usage, which the stop waited for */

        if (x->stopped) {
            llm_translate_done(x);
        }

    } else {
        llm_claude_exception(x, name, data);
    }

    return LLM_OK;
}


/* usage may be missing, the stop may not */

int
llm_converse_read_end(llm_translate_t *x)
{
    if (!x->stopped) {
        return LLM_INVALID;
    }

    llm_translate_done(x);

    return LLM_OK;
}


static void
llm_converse_block(llm_translate_t *x, const llm_str_t *block)
{
    llm_str_t  v[BLOCK_N];

    if (llm_scan_kept(&llm_converse_block_set, block, v) != LLM_OK) {
        return;
    }

    if (llm_form_type(&v[TOOL_ID]) == LLM_JSON_STRING) {
        llm_converse_open_call(x, v);
        llm_translate_delta(x, &v[TOOL_INPUT]);

    } else if (llm_form_type(&v[TEXT]) == LLM_JSON_STRING) {
        llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);
        llm_converse_text(x, &v[TEXT]);

    } else if (llm_form_type(&v[REASONING_INNER]) == LLM_JSON_STRING) {
        llm_translate_open(x, LLM_BLOCK_THINKING, NULL, NULL);
        llm_converse_text(x, &v[REASONING_INNER]);
        llm_converse_signature(x, &v[REASONING_INNER_SIGNATURE]);

    } else if (llm_form_type(&v[REASONING_REDACTED]) == LLM_JSON_STRING) {
        llm_converse_redacted(x, &v[REASONING_REDACTED]);

    } else if (llm_form_type(&v[CITATIONS_CONTENT]) == LLM_JSON_ARRAY) {
        llm_converse_cited(x, v);

    } else if (llm_form_type(&v[IMAGE_BYTES]) == LLM_JSON_STRING) {
        llm_converse_image(x, v);
    }

    llm_converse_close(x);
}


/* blocks of text and of reasoning have no start of their own */

static void
llm_converse_delta(llm_translate_t *x, const llm_str_t *delta)
{
    llm_str_t  v[BLOCK_N];

    if (llm_scan_kept(&llm_converse_block_set, delta, v) != LLM_OK) {
        return;
    }

    if (llm_form_type(&v[TEXT]) == LLM_JSON_STRING) {
        llm_converse_open(x, LLM_BLOCK_TEXT);
        llm_converse_text(x, &v[TEXT]);

    } else if (llm_form_type(&v[TOOL_INPUT]) == LLM_JSON_STRING) {
        llm_converse_text(x, &v[TOOL_INPUT]);

    } else if (llm_form_type(&v[REASONING_TEXT]) == LLM_JSON_STRING) {
        llm_converse_open(x, LLM_BLOCK_THINKING);
        llm_converse_text(x, &v[REASONING_TEXT]);

    } else if (llm_form_type(&v[REASONING_SIGNATURE]) == LLM_JSON_STRING) {
        llm_converse_open(x, LLM_BLOCK_THINKING);
        llm_converse_signature(x, &v[REASONING_SIGNATURE]);

    } else if (llm_form_type(&v[REASONING_REDACTED]) == LLM_JSON_STRING) {
        llm_converse_redacted(x, &v[REASONING_REDACTED]);

    } else if (llm_form_type(&v[CITATION]) == LLM_JSON_OBJECT) {
        llm_converse_open(x, LLM_BLOCK_TEXT);
        llm_converse_note(x, &v[CITATION]);
    }
}


static void
llm_converse_open(llm_translate_t *x, llm_block_e kind)
{
    llm_converse_reader_t  *r;

    r = x->reader;

    if (!x->open || x->block != kind || r->unwrapping) {
        llm_converse_close(x);
        llm_translate_open(x, kind, NULL, NULL);
    }
}


static void
llm_converse_open_call(llm_translate_t *x, const llm_str_t *v)
{
    llm_str_t               id, name, forced;
    llm_converse_reader_t  *r;

    r = x->reader;

    llm_converse_close(x);

    llm_translate_string(x, &v[TOOL_ID], &id);
    llm_translate_string(x, &v[TOOL_NAME], &name);

    if (llm_claude_forced(x, &forced) == LLM_OK
        && forced.len == name.len
        && memcmp(forced.data, name.data, name.len) == 0)
    {
        r->answer = 1;
        r->unwrapping = 1;
        llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);

        return;
    }

    r->calls = 1;
    llm_translate_open(x, LLM_BLOCK_TOOL_CALL, &id, &name);
}


static void
llm_converse_close(llm_translate_t *x)
{
    llm_converse_reader_t  *r;

    r = x->reader;
    r->unwrapping = 0;

    llm_translate_close(x);
}


static void
llm_converse_text(llm_translate_t *x, const llm_str_t *raw)
{
    llm_str_t  text;

    llm_translate_text(x, raw, &text);
    llm_translate_delta(x, &text);
}


static void
llm_converse_signature(llm_translate_t *x, const llm_str_t *raw)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STATE;
    part.state.kind = llm_converse_state(llm_converse_family(&x->to->model));

    llm_translate_string(x, raw, &part.state.data);

    if (part.state.data.len) {
        llm_translate_part(x, &part);
    }
}


static void
llm_converse_redacted(llm_translate_t *x, const llm_str_t *raw)
{
    int         rc;
    llm_buf_t   data;
    llm_str_t   text;
    llm_part_t  part;

    llm_translate_string(x, raw, &text);
    llm_buf_init(&data, x->arena);

    rc = llm_base64_decode(&data, &text);

    if (rc != LLM_OK) {
        x->nomem |= (rc == LLM_NOMEM);
        return;
    }

    llm_converse_close(x);
    llm_translate_open(x, LLM_BLOCK_REDACTED, NULL, NULL);

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STATE;
    part.state.kind = llm_converse_state(llm_converse_family(&x->to->model));
    part.state.data.data = data.data;
    part.state.data.len = data.len;

    llm_translate_part(x, &part);
}


static void
llm_converse_image(llm_translate_t *x, const llm_str_t *v)
{
    llm_buf_t   mime;
    llm_str_t   format;
    llm_part_t  part;

    llm_buf_init(&mime, x->arena);
    llm_buf_puts(&mime, "image/");

    llm_translate_string(x, &v[IMAGE_FORMAT], &format);
    llm_buf_add(&mime, format.data, format.len);

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_OPEN;
    part.block = LLM_BLOCK_IMAGE;
    part.mime.data = mime.data;
    part.mime.len = mime.len;

    x->nomem |= mime.failed;

    llm_translate_part(x, &part);
    llm_converse_text(x, &v[IMAGE_BYTES]);
}


/* passages, and what they are taken from */

static void
llm_converse_cited(llm_translate_t *x, const llm_str_t *v)
{
    llm_str_t   element, text;
    llm_walk_t  w;

    llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);

    llm_walk_open(&w, &v[CITATIONS_CONTENT]);

    while (llm_walk_element(&w, &element)) {

        if (llm_form_member(&element, "text", &text) == LLM_OK) {
            llm_converse_text(x, &text);
        }
    }

    if (llm_form_type(&v[CITATIONS_LIST]) != LLM_JSON_ARRAY) {
        return;
    }

    llm_walk_open(&w, &v[CITATIONS_LIST]);

    while (llm_walk_element(&w, &element)) {
        llm_converse_note(x, &element);
    }
}


static void
llm_converse_note(llm_translate_t *x, const llm_str_t *citation)
{
    llm_str_t   location, web, url, title;
    llm_part_t  part;

    if (llm_form_member(citation, "location", &location) != LLM_OK
        || llm_form_member(&location, "web", &web) != LLM_OK
        || llm_form_member(&web, "url", &url) != LLM_OK
        || llm_form_type(&url) != LLM_JSON_STRING)
    {
        return;
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_NOTE;

    (void) llm_form_member(citation, "title", &title);

    llm_translate_string(x, &url, &part.id);
    llm_translate_string(x, &title, &part.name);

    llm_translate_part(x, &part);
}


/* a call that the model could not spell is none */

static void
llm_converse_stop(llm_translate_t *x, const llm_str_t *reason)
{
    llm_stop_e                  stop;
    llm_converse_reader_t      *r;
    const llm_converse_stop_t  *row;

    static const llm_str_t  code = llm_string("malformed_model_output");
    static const llm_str_t  text = llm_string("the model's output was "
                                              "malformed");

    r = x->reader;

    if ((llm_form_is(reason, "malformed_tool_use")
         || llm_form_is(reason, "malformed_model_output"))
        && !r->calls)
    {
        llm_translate_error(x, LLM_FAULT_SERVER, &code, &text);
        return;
    }

    for (row = llm_converse_stops; row->name; row++) {
        if (llm_form_is(reason, row->name)) {
            break;
        }
    }

    stop = row->stop;

    if (stop == LLM_STOP_TOOL && r->answer && !r->calls) {
        stop = LLM_STOP_END;
    }

    llm_translate_stop(x, stop, NULL);
}
