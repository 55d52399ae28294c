
/* Gemini's dialect: a provider's answer, whole or in chunks */


#include "llm_generate.h"

#include <stdio.h>


static int llm_generate_get_chunk(llm_translate_t *x, const llm_str_t *raw);
static int llm_generate_get_fault(llm_translate_t *x, const llm_str_t *raw);
static void llm_generate_get_blocked(llm_translate_t *x, const llm_str_t *raw);
static int llm_generate_get_candidate(llm_translate_t *x, const llm_str_t *raw);
static int llm_generate_get_finish(llm_translate_t *x, const llm_str_t *reason,
    const llm_str_t *message);
static void llm_generate_get_end(llm_translate_t *x);


enum {
    CHUNK_CANDIDATES = 0,
    CHUNK_FEEDBACK,
    CHUNK_MODEL,
    CHUNK_ID,
    CHUNK_ERROR,
    CHUNK_N
};

static const char *const  llm_generate_chunk_names[CHUNK_N] = {
    "candidates", "promptFeedback", "modelVersion", "responseId", "error"
};


enum {
    CANDIDATE_CONTENT = 0,
    CANDIDATE_REASON,
    CANDIDATE_MESSAGE,
    CANDIDATE_GROUNDING,
    CANDIDATE_N
};

static const char *const  llm_generate_candidate_names[CANDIDATE_N] = {
    "content", "finishReason", "finishMessage", "groundingMetadata"
};


/* unknown reasons are no reason to fail: they are an end like others */

static const struct {
    const char      *reason;
    llm_stop_e       stop;
    unsigned         broken;      /* an error, unless a call came with it */
} llm_generate_reasons[] = {
    { "STOP",                     LLM_STOP_END, 0 },
    { "MAX_TOKENS",               LLM_STOP_LENGTH, 0 },
    { "SAFETY",                   LLM_STOP_FILTER, 0 },
    { "RECITATION",               LLM_STOP_FILTER, 0 },
    { "LANGUAGE",                 LLM_STOP_FILTER, 0 },
    { "BLOCKLIST",                LLM_STOP_FILTER, 0 },
    { "PROHIBITED_CONTENT",       LLM_STOP_FILTER, 0 },
    { "SPII",                     LLM_STOP_FILTER, 0 },
    { "IMAGE_SAFETY",             LLM_STOP_FILTER, 0 },
    { "IMAGE_PROHIBITED_CONTENT", LLM_STOP_FILTER, 0 },
    { "IMAGE_RECITATION",         LLM_STOP_FILTER, 0 },
    { "MODEL_ARMOR",              LLM_STOP_FILTER, 0 },
    { "MALFORMED_FUNCTION_CALL",  LLM_STOP_END, 1 },
    { "UNEXPECTED_TOOL_CALL",     LLM_STOP_END, 1 },
    { "TOO_MANY_TOOL_CALLS",      LLM_STOP_END, 1 },
    { "MISSING_THOUGHT_SIGNATURE", LLM_STOP_END, 1 },
    { NULL,                       LLM_STOP_END, 0 }
};


int
llm_generate_read_answer(llm_translate_t *x, const llm_str_t *body)
{
    int                     rc;
    llm_generate_reader_t  *r;

    rc = llm_generate_get_chunk(x, body);

    if (rc != LLM_OK) {
        return rc;
    }

    r = x->reader;

    if (!r->answered) {
        return LLM_INVALID;
    }

    if (r->stop == LLM_STOP_NOT_TOLD) {
        r->stop = LLM_STOP_END;
    }

    llm_generate_get_end(x);

    return LLM_OK;
}


int
llm_generate_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data)
{
    return llm_generate_get_chunk(x, data);
}


/* text may follow what looks like the end: only the stream's is one */

int
llm_generate_read_end(llm_translate_t *x)
{
    llm_generate_reader_t  *r;

    r = x->reader;

    if (r->stop == LLM_STOP_NOT_TOLD) {
        return LLM_INVALID;
    }

    llm_generate_get_end(x);

    return LLM_OK;
}


static void
llm_generate_get_end(llm_translate_t *x)
{
    llm_str_t               text, grounding;
    llm_generate_reader_t  *r;

    r = x->reader;

    if (r->calling) {
        llm_generate_get_call_end(x);
    }

    if (r->grounding.len && !r->grounding.failed && r->is_open
        && r->open == LLM_BLOCK_TEXT)
    {
        text.data = r->text.data;
        text.len = r->text.failed ? 0 : r->text.len;

        grounding.data = r->grounding.data;
        grounding.len = r->grounding.len;

        llm_generate_tell_notes(x, &grounding, &text);
    }

    llm_generate_get_close(x);
    llm_translate_stop(x, r->stop, NULL);
    llm_translate_done(x);
}


static int
llm_generate_get_chunk(llm_translate_t *x, const llm_str_t *raw)
{
    llm_str_t               id, model, value, values[CHUNK_N];
    llm_walk_t              w;
    llm_generate_reader_t  *r;

    r = x->reader;

    if (llm_form_type(raw) == LLM_JSON_ARRAY) {

        /* errors may be wrapped */

        llm_walk_open(&w, raw);

        if (!llm_walk_element(&w, &value)
            || llm_form_type(&value) != LLM_JSON_OBJECT)
        {
            return LLM_INVALID;
        }

        return llm_generate_get_chunk(x, &value);
    }

    if (llm_form_type(raw) != LLM_JSON_OBJECT) {
        return LLM_INVALID;
    }

    llm_member_pick(raw, llm_generate_chunk_names, CHUNK_N, values);

    if (values[CHUNK_ERROR].len) {
        return llm_generate_get_fault(x, raw);
    }

    llm_translate_string(x, &values[CHUNK_ID], &id);
    llm_translate_string(x, &values[CHUNK_MODEL], &model);

    llm_translate_start(x, &id, &model);

    if (r->text.arena == NULL) {
        llm_buf_init(&r->text, x->arena);
        r->search = llm_generate_searches(x->form);
    }

    if (values[CHUNK_FEEDBACK].len) {
        llm_generate_get_blocked(x, &values[CHUNK_FEEDBACK]);
    }

    if (llm_form_type(&values[CHUNK_CANDIDATES]) != LLM_JSON_ARRAY) {
        return LLM_OK;
    }

    llm_walk_open(&w, &values[CHUNK_CANDIDATES]);

    /* one answer is what was asked for */

    if (!llm_walk_element(&w, &value)) {
        return LLM_OK;
    }

    r->answered = 1;

    return llm_generate_get_candidate(x, &value);
}


static int
llm_generate_get_fault(llm_translate_t *x, const llm_str_t *raw)
{
    int64_t      status;
    llm_str_t    none, error[1], values[1];
    llm_fault_t  fault;

    static const char *const  names[] = { "error" };
    static const char *const  members[] = { "code" };

    llm_member_pick(raw, names, 1, error);
    llm_member_pick(&error[0], members, 1, values);

    status = llm_member_count(&values[0]);

    none.len = 0;
    none.data = NULL;

    if (llm_fault_read(x->arena, LLM_DIALECT_GENERATE,
                       (status >= 400 && status < 600) ? (int) status : 500,
                       &none, raw, &fault)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_translate_error(x, fault.fault, &fault.code, &fault.message);

    return LLM_OK;
}


static void
llm_generate_get_blocked(llm_translate_t *x, const llm_str_t *raw)
{
    char                    text[80];
    llm_str_t               reason, words, values[1];
    llm_generate_reader_t  *r;

    static const char *const  names[] = { "blockReason" };

    r = x->reader;

    llm_member_pick(raw, names, 1, values);
    llm_translate_string(x, &values[0], &reason);

    if (reason.len == 0 || r->stop == LLM_STOP_FILTER) {
        return;
    }

    r->answered = 1;
    r->stop = LLM_STOP_FILTER;

    llm_generate_get_open(x, LLM_BLOCK_REFUSAL, NULL);

    snprintf(text, sizeof(text), "blocked: %.*s", (int) (reason.len & 0xff),
             (char *) reason.data);

    words.data = (unsigned char *) text;
    words.len = strlen(text);

    llm_translate_delta(x, &words);
    llm_generate_get_close(x);
}


static int
llm_generate_get_candidate(llm_translate_t *x, const llm_str_t *raw)
{
    int                     rc;
    llm_str_t               part, values[CANDIDATE_N], parts[1];
    llm_walk_t              w;
    llm_generate_reader_t  *r;

    static const char *const  names[] = { "parts" };

    r = x->reader;

    llm_member_pick(raw, llm_generate_candidate_names, CANDIDATE_N, values);
    llm_member_pick(&values[CANDIDATE_CONTENT], names, 1, parts);

    if (llm_form_type(&parts[0]) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &parts[0]);

        while (llm_walk_element(&w, &part)) {
            rc = llm_generate_get_part(x, &part);

            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (values[CANDIDATE_GROUNDING].len) {
        llm_generate_get_buf(x, &r->grounding);
        llm_buf_add(&r->grounding, values[CANDIDATE_GROUNDING].data,
                    values[CANDIDATE_GROUNDING].len);
    }

    return llm_generate_get_finish(x, &values[CANDIDATE_REASON],
                               &values[CANDIDATE_MESSAGE]);
}


/*
 * The last reason counts, but a plain end that trails behind another reason
 * takes nothing back.
 */

static int
llm_generate_get_finish(llm_translate_t *x, const llm_str_t *reason,
    const llm_str_t *message)
{
    unsigned                i;
    llm_str_t               words;
    llm_generate_reader_t  *r;

    static llm_str_t  code = llm_string("malformed_function_call");
    static llm_str_t  plain = llm_string("the model made a malformed "
                                         "function call");

    r = x->reader;

    if (llm_form_type(reason) != LLM_JSON_STRING || reason->len == 2) {
        return LLM_OK;
    }

    for (i = 0; llm_generate_reasons[i].reason; i++) {
        if (llm_form_is(reason, llm_generate_reasons[i].reason)) {
            break;
        }
    }

    if (llm_generate_reasons[i].broken && !r->tools && !r->calling) {
        llm_translate_string(x, message, &words);
        llm_translate_error(x, LLM_FAULT_SERVER, &code,
                            words.len ? &words : &plain);
        return LLM_OK;
    }

    if (r->stop == LLM_STOP_NOT_TOLD || r->stop == LLM_STOP_END) {
        r->stop = llm_generate_reasons[i].stop;
    }

    return LLM_OK;
}
