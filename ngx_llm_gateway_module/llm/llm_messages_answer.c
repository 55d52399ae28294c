
/* an answer in Anthropic's protocol, read into parts */


#include "llm_base64.h"
#include "llm_fault.h"
#include "llm_messages.h"


#define ANY  UINT32_MAX


/* a message, or its parts in the events of a stream */

enum {
    TYPE = 0,
    ID,
    MODEL,
    CONTENT,
    INDEX,
    STOP,
    STOP_SEQUENCE,
    STOP_DETAILS,
    EXPLANATION,
    MESSAGE,
    START_ID,
    START_MODEL,
    BLOCK,
    DELTA,
    DELTA_TYPE,
    DELTA_TEXT,
    DELTA_THINKING,
    DELTA_SIGNATURE,
    DELTA_JSON,
    DELTA_CITATION,
    DELTA_STOP,
    DELTA_SEQUENCE,
    DELTA_DETAILS,
    DELTA_EXPLANATION,
    ANSWER_N
};

static const llm_pick_t  llm_messages_answer_picks[ANSWER_N] = {
    { "type",          LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "id",            LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "model",         LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "content",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "index",         LLM_PICK_ROOT, LLM_PICK_RAW, 32 },
    { "stop_reason",   LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "stop_sequence", LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "stop_details",  LLM_PICK_ROOT, 0, 0 },
    { "explanation",   STOP_DETAILS,  LLM_PICK_RAW, ANY },
    { "message",       LLM_PICK_ROOT, 0, 0 },
    { "id",            MESSAGE,       LLM_PICK_RAW, ANY },
    { "model",         MESSAGE,       LLM_PICK_RAW, ANY },
    { "content_block", LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "delta",         LLM_PICK_ROOT, 0, 0 },
    { "type",          DELTA,         LLM_PICK_RAW, ANY },
    { "text",          DELTA,         LLM_PICK_RAW, ANY },
    { "thinking",      DELTA,         LLM_PICK_RAW, ANY },
    { "signature",     DELTA,         LLM_PICK_RAW, ANY },
    { "partial_json",  DELTA,         LLM_PICK_RAW, ANY },
    { "citation",      DELTA,         LLM_PICK_RAW, ANY },
    { "stop_reason",   DELTA,         LLM_PICK_RAW, ANY },
    { "stop_sequence", DELTA,         LLM_PICK_RAW, ANY },
    { "stop_details",  DELTA,         0, 0 },
    { "explanation",   DELTA_DETAILS, LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_messages_answer_set
    = llm_picks(llm_messages_answer_picks);


enum {
    BLOCK_TYPE = 0,
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_SIGNATURE,
    BLOCK_DATA,
    BLOCK_ID,
    BLOCK_NAME,
    BLOCK_INPUT,
    BLOCK_CITATIONS,
    BLOCK_URL,                  /* of a citation */
    BLOCK_TITLE,
    BLOCK_CITED,
    BLOCK_N
};

static const llm_pick_t  llm_messages_part_picks[BLOCK_N] = {
    { "type",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "text",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "thinking",   LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "signature",  LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "data",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "id",         LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "name",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "input",      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "citations",  LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "url",        LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "title",      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "cited_text", LLM_PICK_ROOT, LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_messages_part_set
    = llm_picks(llm_messages_part_picks);


typedef struct {
    const char      *name;
    llm_stop_e       stop;
} llm_messages_stop_t;

static const llm_messages_stop_t  llm_messages_stop_names[] = {
    { "end_turn",                      LLM_STOP_END },
    { "tool_use",                      LLM_STOP_TOOL },
    { "max_tokens",                    LLM_STOP_LENGTH },
    { "model_context_window_exceeded", LLM_STOP_LENGTH },
    { "stop_sequence",                 LLM_STOP_SEQUENCE },
    { "refusal",                       LLM_STOP_REFUSAL },
    { "pause_turn",                    LLM_STOP_PAUSE },
    { NULL,                            LLM_STOP_END }
};


static int llm_messages_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);
static void llm_messages_open(llm_translate_t *x, const llm_str_t *block);
static void llm_messages_open_call(llm_translate_t *x, const llm_str_t *v);
static void llm_messages_delta(llm_translate_t *x, const llm_str_t *v);
static void llm_messages_close(llm_translate_t *x);
static void llm_messages_text(llm_translate_t *x, const llm_str_t *raw);
static void llm_messages_state(llm_translate_t *x, const llm_str_t *raw);
static void llm_messages_note(llm_translate_t *x, const llm_str_t *citation);
static void llm_messages_stop(llm_translate_t *x, const llm_str_t *reason,
    const llm_str_t *sequence, const llm_str_t *explanation);


int
llm_messages_read_answer(llm_translate_t *x, const llm_str_t *body)
{
    llm_str_t               v[ANSWER_N], b[BLOCK_N];
    llm_str_t               id, model, element, note;
    llm_walk_t              w, notes;
    llm_messages_reader_t  *r;

    r = x->reader;
    r->input.arena = x->arena;

    if (llm_scan_kept(&llm_messages_answer_set, body, v) != LLM_OK) {
        return LLM_INVALID;
    }

    if (llm_form_is(&v[TYPE], "error")) {
        return llm_messages_fault(x, body);
    }

    if (llm_claude_counts(x->form)) {
        return LLM_OK;
    }

    if (llm_form_type(&v[CONTENT]) != LLM_JSON_ARRAY) {
        return LLM_INVALID;
    }

    if (llm_messages_same(x)) {
        ((llm_messages_printer_t *) x->writer)->whole = *body;
        return LLM_OK;
    }

    llm_translate_string(x, &v[ID], &id);
    llm_translate_string(x, &v[MODEL], &model);
    llm_translate_start(x, &id, &model);

    llm_walk_open(&w, &v[CONTENT]);

    while (llm_walk_element(&w, &element)) {

        if (llm_scan_kept(&llm_messages_part_set, &element, b) != LLM_OK) {
            return LLM_INVALID;
        }

        llm_messages_open(x, &element);

        if (r->open == LLM_MESSAGES_TEXT
            && llm_form_type(&b[BLOCK_CITATIONS]) == LLM_JSON_ARRAY)
        {
            llm_walk_open(&notes, &b[BLOCK_CITATIONS]);

            while (llm_walk_element(&notes, &note)) {
                llm_messages_note(x, &note);
            }
        }

        llm_messages_close(x);
        x->scratch.len = 0;
    }

    llm_messages_stop(x, &v[STOP], &v[STOP_SEQUENCE], &v[EXPLANATION]);

    return LLM_OK;
}


/* Bedrock wraps the same events, and has others for what goes wrong */

int
llm_messages_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    int                     rc;
    llm_str_t               bytes, text;
    llm_messages_reader_t  *r;

    r = x->reader;
    r->input.arena = x->arena;

    if (!llm_quirk(x->to, BEDROCK)) {
        return llm_messages_event(x, name, data);
    }

    if (!llm_str_is(name, "chunk")) {
        llm_claude_exception(x, name, data);
        return LLM_OK;
    }

    (void) llm_form_member(data, "bytes", &bytes);
    llm_translate_string(x, &bytes, &text);

    r->event.arena = x->arena;
    r->event.len = 0;

    rc = llm_base64_decode(&r->event, &text);

    if (rc != LLM_OK) {
        x->nomem |= (rc == LLM_NOMEM);
        return LLM_INVALID;
    }

    if (r->scan == NULL) {
        r->scan = llm_scan_create(x->arena, NULL, 0, 0);

        if (r->scan == NULL) {
            x->nomem = 1;
            return LLM_INVALID;
        }

    } else {
        llm_scan_reset(r->scan);
    }

    text.data = r->event.data;
    text.len = r->event.len;

    if (llm_scan_feed(r->scan, text.data, text.len) != LLM_OK
        || llm_scan_end(r->scan) != LLM_OK)
    {
        return LLM_INVALID;
    }

    bytes.len = 0;

    return llm_messages_event(x, &bytes, &text);
}


static int
llm_messages_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    llm_str_t   v[ANSWER_N];
    llm_str_t   id, model;
    llm_part_t  part;

    if (llm_scan_kept(&llm_messages_answer_set, data, v) != LLM_OK) {
        return LLM_INVALID;
    }

    if (llm_messages_same(x)) {
        return llm_messages_pass(x, &v[TYPE], &v[INDEX], data);
    }

    if (llm_form_is(&v[TYPE], "content_block_delta")) {
        llm_messages_delta(x, v);

    } else if (llm_form_is(&v[TYPE], "content_block_start")) {
        llm_messages_open(x, &v[BLOCK]);

    } else if (llm_form_is(&v[TYPE], "content_block_stop")) {
        llm_messages_close(x);

    } else if (llm_form_is(&v[TYPE], "message_start")) {
        llm_translate_string(x, &v[START_ID], &id);
        llm_translate_string(x, &v[START_MODEL], &model);
        llm_translate_start(x, &id, &model);

    } else if (llm_form_is(&v[TYPE], "message_delta")) {
        llm_messages_stop(x, &v[DELTA_STOP], &v[DELTA_SEQUENCE],
                          &v[DELTA_EXPLANATION]);

    } else if (llm_form_is(&v[TYPE], "message_stop")) {
        llm_translate_done(x);

    } else if (llm_form_is(&v[TYPE], "ping")) {
        memset(&part, 0, sizeof(llm_part_t));
        part.type = LLM_PART_PING;
        llm_translate_part(x, &part);

    } else if (llm_form_is(&v[TYPE], "error")
               || llm_str_is(name, "error"))
    {
        return llm_messages_fault(x, data);
    }

    /* the API may grow other events: clients are to ignore them */

    return LLM_OK;
}


/* message_stop is the only good end, and no more is read behind it */

int
llm_messages_read_end(llm_translate_t *x)
{
    return LLM_INVALID;
}


/* blocks of the provider's own tools are left out: nobody could run them */

static void
llm_messages_open(llm_translate_t *x, const llm_str_t *block)
{
    llm_str_t               v[BLOCK_N];
    llm_messages_reader_t  *r;

    r = x->reader;

    llm_translate_close(x);

    r->open = LLM_MESSAGES_NONE;

    if (llm_scan_kept(&llm_messages_part_set, block, v) != LLM_OK) {
        return;
    }

    if (llm_form_is(&v[BLOCK_TYPE], "text")) {
        r->open = LLM_MESSAGES_TEXT;
        llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);
        llm_messages_text(x, &v[BLOCK_TEXT]);

    } else if (llm_form_is(&v[BLOCK_TYPE], "thinking")) {
        r->open = LLM_MESSAGES_THINKING;
        llm_translate_open(x, LLM_BLOCK_THINKING, NULL, NULL);
        llm_messages_text(x, &v[BLOCK_THINKING]);
        llm_messages_state(x, &v[BLOCK_SIGNATURE]);

    } else if (llm_form_is(&v[BLOCK_TYPE], "redacted_thinking")) {
        llm_translate_open(x, LLM_BLOCK_REDACTED, NULL, NULL);
        llm_messages_state(x, &v[BLOCK_DATA]);

    } else if (llm_form_is(&v[BLOCK_TYPE], "tool_use")) {
        llm_messages_open_call(x, v);
    }
}


static void
llm_messages_open_call(llm_translate_t *x, const llm_str_t *v)
{
    llm_str_t               id, name, forced;
    llm_messages_reader_t  *r;

    r = x->reader;

    llm_translate_string(x, &v[BLOCK_ID], &id);
    llm_translate_string(x, &v[BLOCK_NAME], &name);

    if (llm_claude_forced(x, &forced) == LLM_OK
        && forced.len == name.len
        && memcmp(forced.data, name.data, name.len) == 0)
    {
        r->open = LLM_MESSAGES_ANSWER;
        r->answer = 1;
        llm_translate_open(x, LLM_BLOCK_TEXT, NULL, NULL);

    } else {
        r->open = LLM_MESSAGES_TOOL;
        r->calls = 1;
        llm_translate_open(x, LLM_BLOCK_TOOL_CALL, &id, &name);
    }

    /* in streams it is {} here, and fragments follow */

    r->input.len = 0;

    if (llm_form_type(&v[BLOCK_INPUT]) == LLM_JSON_OBJECT
        && !llm_str_is(&v[BLOCK_INPUT], "{}"))
    {
        llm_form_print_raw(&r->input, &v[BLOCK_INPUT]);
    }
}


static void
llm_messages_delta(llm_translate_t *x, const llm_str_t *v)
{
    llm_messages_reader_t  *r;

    r = x->reader;

    switch (r->open) {

    case LLM_MESSAGES_TEXT:

        if (llm_form_is(&v[DELTA_TYPE], "citations_delta")) {
            llm_messages_note(x, &v[DELTA_CITATION]);
            return;
        }

        llm_messages_text(x, &v[DELTA_TEXT]);
        return;

    case LLM_MESSAGES_THINKING:
        llm_messages_text(x, &v[DELTA_THINKING]);
        llm_messages_state(x, &v[DELTA_SIGNATURE]);
        return;

    case LLM_MESSAGES_TOOL:
    case LLM_MESSAGES_ANSWER:
        llm_messages_text(x, &v[DELTA_JSON]);
        return;

    default:
        return;
    }
}


static void
llm_messages_close(llm_translate_t *x)
{
    llm_str_t               input;
    llm_messages_reader_t  *r;

    r = x->reader;

    if (r->open >= LLM_MESSAGES_TOOL && r->input.len && !x->fragment) {

        if (r->input.failed) {
            x->nomem = 1;
            return;
        }

        input.data = r->input.data;
        input.len = r->input.len;

        llm_translate_delta(x, &input);
    }

    llm_translate_close(x);

    r->open = LLM_MESSAGES_NONE;
}


static void
llm_messages_text(llm_translate_t *x, const llm_str_t *raw)
{
    llm_str_t  text;

    llm_translate_text(x, raw, &text);
    llm_translate_delta(x, &text);
}


static void
llm_messages_state(llm_translate_t *x, const llm_str_t *raw)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STATE;
    part.state.kind = LLM_STATE_ANTHROPIC;

    llm_translate_string(x, raw, &part.state.data);

    if (part.state.data.len) {
        llm_translate_part(x, &part);
    }
}


static void
llm_messages_note(llm_translate_t *x, const llm_str_t *citation)
{
    llm_str_t   v[BLOCK_N];
    llm_part_t  part;

    if (llm_scan_kept(&llm_messages_part_set, citation, v) != LLM_OK
        || llm_form_type(&v[BLOCK_URL]) != LLM_JSON_STRING)
    {
        return;
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_NOTE;

    llm_translate_string(x, &v[BLOCK_URL], &part.id);
    llm_translate_string(x, &v[BLOCK_TITLE], &part.name);
    llm_translate_string(x, &v[BLOCK_CITED], &part.text);

    llm_translate_part(x, &part);
}


static void
llm_messages_stop(llm_translate_t *x, const llm_str_t *reason,
    const llm_str_t *sequence, const llm_str_t *explanation)
{
    llm_str_t                   text;
    llm_stop_e                  stop;
    llm_messages_reader_t      *r;
    const llm_messages_stop_t  *row;

    r = x->reader;

    if (llm_form_type(reason) != LLM_JSON_STRING) {
        return;
    }

    for (row = llm_messages_stop_names; row->name; row++) {
        if (llm_form_is(reason, row->name)) {
            break;
        }
    }

    stop = row->stop;

    if (stop == LLM_STOP_TOOL && r->answer && !r->calls) {
        stop = LLM_STOP_END;
    }

    llm_translate_string(x, stop == LLM_STOP_REFUSAL ? explanation : sequence,
                         &text);

    llm_translate_stop(x, stop, &text);
}


int
llm_messages_fault(llm_translate_t *x, const llm_str_t *json)
{
    if (llm_fault_tell(x, json) != LLM_OK) {
        llm_translate_error(x, LLM_FAULT_SERVER, NULL, NULL);
    }

    return LLM_OK;
}
