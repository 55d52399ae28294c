
/* Gemini's dialect: a client's request, the parts of its turns */


#include "llm_generate.h"

#include <stdio.h>


static unsigned llm_generate_foreign(const llm_generate_carry_t *carry);
static int llm_generate_read_text(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw, unsigned thought, const llm_generate_carry_t *carry);
static int llm_generate_read_call(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw, const llm_generate_carry_t *carry);
static int llm_generate_read_hidden(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_generate_carry_t *carry);
static int llm_generate_make_id(llm_generate_read_t *r, const llm_str_t *name,
    llm_str_t *id);
static int llm_generate_read_result(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw);
static llm_block_t *llm_generate_find_call(llm_generate_read_t *r,
    const llm_str_t *id, const llm_str_t *name);
static int llm_generate_read_response(llm_generate_read_t *r,
    llm_block_t *block, const llm_str_t *raw);
static int llm_generate_read_data(llm_generate_read_t *r, llm_block_t *block,
    const llm_str_t *raw);
static int llm_generate_read_file(llm_generate_read_t *r, llm_block_t *block,
    const llm_str_t *raw);
static llm_block_e llm_generate_media(const llm_str_t *mime);
static int llm_generate_read_code(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw, unsigned result);


enum {
    PART_TEXT = 0,
    PART_THOUGHT,
    PART_SIGNATURE,
    PART_DATA,
    PART_FILE,
    PART_CALL,
    PART_RESPONSE,
    PART_CODE,
    PART_RESULT,
    PART_N
};

static const char *const  llm_generate_parts[PART_N] = {
    "text", "thought", "thoughtSignature", "inlineData", "fileData",
    "functionCall", "functionResponse", "executableCode",
    "codeExecutionResult"
};


int
llm_generate_read_part(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw)
{
    int           rc;
    llm_str_t     signature, values[PART_N];
    llm_block_t  *block;
    llm_generate_carry_t  carry;

    if (llm_form_type(raw) != LLM_JSON_OBJECT) {
        return llm_generate_bad(r, NULL, "a part must be an object");
    }

    llm_member_pick(raw, llm_generate_parts, PART_N, values);

    signature.len = 0;
    signature.data = NULL;

    if (values[PART_SIGNATURE].len) {
        rc = llm_generate_read_string(r, &values[PART_SIGNATURE],
                                      "thoughtSignature", &signature);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    rc = llm_generate_carry_read(r->form->arena, &signature, &carry);

    if (rc != LLM_OK) {
        return rc;
    }

    if (values[PART_CALL].len) {
        return llm_generate_read_call(r, turn, &values[PART_CALL], &carry);
    }

    if (values[PART_RESPONSE].len) {
        return llm_generate_read_result(r, turn, &values[PART_RESPONSE]);
    }

    if (values[PART_DATA].len || values[PART_FILE].len) {
        block = llm_form_block(r->form, turn, LLM_BLOCK_IMAGE);
        if (block == NULL) {
            return LLM_NOMEM;
        }

        return values[PART_DATA].len
               ? llm_generate_read_data(r, block, &values[PART_DATA])
               : llm_generate_read_file(r, block, &values[PART_FILE]);
    }

    if (values[PART_CODE].len) {
        return llm_generate_read_code(r, turn, &values[PART_CODE], 0);
    }

    if (values[PART_RESULT].len) {
        return llm_generate_read_code(r, turn, &values[PART_RESULT], 1);
    }

    return llm_generate_read_text(r, turn, &values[PART_TEXT],
                                  llm_member_true(&values[PART_THOUGHT]),
                                  &carry);
}


/* whether it is of reasoning that stood before the part */

static unsigned
llm_generate_foreign(const llm_generate_carry_t *carry)
{
    return carry->state.kind != LLM_STATE_GEMINI
           && (carry->state.kind != LLM_STATE_NONE || carry->text.len);
}


/* a part may have no more than a signature */

static int
llm_generate_read_text(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw, unsigned thought, const llm_generate_carry_t *carry)
{
    int           rc;
    llm_str_t     text;
    llm_block_t  *block;

    text.len = 0;
    text.data = NULL;

    if (raw->len) {
        rc = llm_form_string(r->form->arena, raw, &text);

        if (rc == LLM_INVALID) {
            return llm_generate_bad(r, "text", "\"text\" must be a string");
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (!thought && llm_generate_foreign(carry)) {
        rc = llm_generate_read_hidden(r, turn, carry);

        return rc == LLM_OK ? llm_form_add_text(r->form, turn, &text) : rc;
    }

    if (text.len == 0 && carry->state.kind == LLM_STATE_NONE) {
        return LLM_OK;
    }

    block = llm_form_block(r->form, turn, thought ? LLM_BLOCK_THINKING
                                                  : LLM_BLOCK_TEXT);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->text = text;
    block->state = carry->state;

    return LLM_OK;
}


/* reasoning of another protocol that was not shown, or could not be */

static int
llm_generate_read_hidden(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_generate_carry_t *carry)
{
    llm_block_t  *block;

    block = llm_form_block(r->form, turn, carry->redacted
                                          ? LLM_BLOCK_REDACTED
                                          : LLM_BLOCK_THINKING);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->text = carry->text;
    block->state = carry->state;

    return LLM_OK;
}


static int
llm_generate_read_call(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw, const llm_generate_carry_t *carry)
{
    int           rc;
    llm_str_t     values[3];
    llm_block_t  *block;

    static llm_str_t          empty = llm_string("{}");
    static const char *const  names[] = { "id", "name", "args" };

    llm_member_pick(raw, names, 3, values);

    if (llm_generate_foreign(carry)) {
        rc = llm_generate_read_hidden(r, turn, carry);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    block = llm_form_block(r->form, turn, LLM_BLOCK_TOOL_CALL);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    if (carry->state.kind == LLM_STATE_GEMINI) {
        block->state = carry->state;
    }

    rc = llm_form_string(r->form->arena, &values[1], &block->name);

    if (rc == LLM_INVALID || block->name.len == 0) {
        return llm_generate_bad(r, "functionCall.name",
                                "a function call must have a name");
    }

    block->json = empty;

    if (rc == LLM_OK && values[2].len) {

        if (llm_form_type(&values[2]) != LLM_JSON_OBJECT) {
            return llm_generate_bad(r, "functionCall.args",
                                    "\"args\" must be an object");
        }

        block->json = values[2];
    }

    if (rc == LLM_OK) {
        rc = llm_form_string(r->form->arena, &values[0], &block->id);
    }

    if (rc == LLM_INVALID || (rc == LLM_OK && block->id.len == 0)) {
        rc = llm_generate_make_id(r, &block->name, &block->id);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    if (r->ncalls == sizeof(r->calls) / sizeof(r->calls[0])) {
        return llm_generate_bad(r, "functionCall",
                                "too many function calls in one turn");
    }

    r->calls[r->ncalls++] = block;

    return LLM_OK;
}


/* the same history always has the same ids: caches of prompts live by that */

static int
llm_generate_make_id(llm_generate_read_t *r, const llm_str_t *name,
    llm_str_t *id)
{
    char      text[32];
    size_t    i;
    uint64_t  hash;

    hash = 0xcbf29ce484222325ULL;

    hash = (hash ^ r->turn) * 0x100000001b3ULL;
    hash = (hash ^ r->part) * 0x100000001b3ULL;

    for (i = 0; i < name->len; i++) {
        hash = (hash ^ name->data[i]) * 0x100000001b3ULL;
    }

    snprintf(text, sizeof(text), "call_%016llx", (unsigned long long) hash);

    return llm_str_dup(r->form->arena, id, text, strlen(text));
}


static int
llm_generate_read_result(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw)
{
    int           rc;
    llm_str_t     id, name, item, values[4], media[2];
    llm_walk_t    w;
    llm_block_t  *block, *call, *image;

    static const char *const  names[] = { "id", "name", "response", "parts" };
    static const char *const  kinds[] = { "inlineData", "fileData" };

    llm_member_pick(raw, names, 4, values);

    (void) llm_form_string(r->form->arena, &values[0], &id);

    if (llm_form_string(r->form->arena, &values[1], &name) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    call = llm_generate_find_call(r, &id, &name);

    if (call == NULL) {
        return llm_generate_bad(r, "functionResponse",
                                "no function call of the turn before awaits "
                                "this response");
    }

    block = llm_form_block(r->form, turn, LLM_BLOCK_TOOL_RESULT);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->id = call->id;
    block->name = call->name;

    rc = llm_generate_read_response(r, block, &values[2]);

    if (rc != LLM_OK || values[3].len == 0) {
        return rc;
    }

    llm_member_list(&w, &values[3]);

    while (llm_walk_element(&w, &item)) {
        llm_member_pick(&item, kinds, 2, media);

        if (media[0].len == 0 && media[1].len == 0) {
            continue;
        }

        image = llm_form_append(r->form, &block->content, LLM_BLOCK_IMAGE);
        if (image == NULL) {
            return LLM_NOMEM;
        }

        rc = media[0].len ? llm_generate_read_data(r, image, &media[0])
                          : llm_generate_read_file(r, image, &media[1]);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


/* by id, else the first of that name, else the first; it is taken off */

static llm_block_t *
llm_generate_find_call(llm_generate_read_t *r, const llm_str_t *id,
    const llm_str_t *name)
{
    unsigned      i, best, rank, found;
    llm_block_t  *call;

    best = 0;
    found = 0;

    for (i = 0; i < r->ncalls && found < 3; i++) {
        call = r->calls[i];

        if (id->len && call->id.len == id->len
            && memcmp(call->id.data, id->data, id->len) == 0)
        {
            rank = 3;

        } else if (call->name.len == name->len
                   && memcmp(call->name.data, name->data, name->len) == 0)
        {
            rank = 2;

        } else {
            rank = 1;
        }

        if (rank > found) {
            found = rank;
            best = i;
        }
    }

    if (found == 0) {
        return NULL;
    }

    call = r->calls[best];
    r->ncalls--;

    memmove(&r->calls[best], &r->calls[best + 1],
            (r->ncalls - best) * sizeof(llm_block_t *));

    return call;
}


/*
 * "output" and "error" are Google's names for what a function returned; an
 * object with nothing but such a string is that string.  Some clients put the
 * function's name beside "content".
 */

static int
llm_generate_read_response(llm_generate_read_t *r, llm_block_t *block,
    const llm_str_t *raw)
{
    int           rc;
    unsigned      n, i, named;
    llm_str_t     member, v, name, value, text;
    llm_walk_t    w;
    llm_block_t  *content;

    static const char *const  words[] = {
        "error", "output", "result", "content", NULL
    };

    if (raw->len == 0) {
        return LLM_OK;
    }

    if (llm_form_type(raw) != LLM_JSON_OBJECT) {
        return llm_generate_bad(r, "functionResponse.response",
                                "\"response\" must be an object");
    }

    /* a name stands beside the content that it is of */

    named = (block->name.len
             && llm_form_member(raw, "content", &value) == LLM_OK);

    llm_walk_open(&w, raw);

    for (n = 0; llm_walk_member(&w, &member, &v); /* void */) {

        if (named && llm_form_is(&member, "name")
            && llm_form_type(&v) == LLM_JSON_STRING)
        {
            continue;
        }

        name = member;
        value = v;
        n++;
    }

    if (n == 1) {
        block->error = llm_form_is(&name, "error");

        for (i = 0; words[i]; i++) {

            if (!llm_form_is(&name, words[i])
                || llm_form_type(&value) != LLM_JSON_STRING)
            {
                continue;
            }

            rc = llm_form_string(r->form->arena, &value, &text);

            if (rc != LLM_OK || text.len == 0) {
                return rc;
            }

            content = llm_form_append(r->form, &block->content,
                                      LLM_BLOCK_TEXT);
            if (content == NULL) {
                return LLM_NOMEM;
            }

            content->text = text;

            return LLM_OK;
        }
    }

    block->json = *raw;

    return LLM_OK;
}


static int
llm_generate_read_data(llm_generate_read_t *r, llm_block_t *block,
    const llm_str_t *raw)
{
    int        rc;
    llm_str_t  mime, data, values[3];

    static const char *const  names[] = { "mimeType", "data", "displayName" };

    llm_member_pick(raw, names, 3, values);

    (void) llm_form_string(r->form->arena, &values[0], &mime);
    (void) llm_form_string(r->form->arena, &values[2], &block->name);

    rc = llm_form_string(r->form->arena, &values[1], &data);

    if (rc == LLM_OK) {
        rc = llm_form_base64(r->form, block, &mime, &data);
    }

    if (rc == LLM_INVALID) {
        return llm_generate_bad(r, "inlineData.data",
                                "\"data\" must be base64");
    }

    block->kind = llm_generate_media(&block->mime);

    return rc;
}


static int
llm_generate_read_file(llm_generate_read_t *r, llm_block_t *block,
    const llm_str_t *raw)
{
    int        rc;
    llm_str_t  values[2];

    static const char *const  names[] = { "mimeType", "fileUri" };

    llm_member_pick(raw, names, 2, values);

    (void) llm_form_string(r->form->arena, &values[0], &block->mime);

    rc = llm_form_string(r->form->arena, &values[1], &block->data);

    if (rc == LLM_INVALID) {
        return llm_generate_bad(r, "fileData.fileUri",
                                "\"fileUri\" must be a string");
    }

    block->source = LLM_SOURCE_FILE;
    block->kind = llm_generate_media(&block->mime);

    if (block->data.len > 8 && memcmp(block->data.data, "https://", 8) == 0) {
        block->source = LLM_SOURCE_URL;
    }

    return rc;
}


static llm_block_e
llm_generate_media(const llm_str_t *mime)
{
    if (mime->len >= 6 && memcmp(mime->data, "image/", 6) == 0) {
        return LLM_BLOCK_IMAGE;
    }

    if (mime->len >= 6 && memcmp(mime->data, "audio/", 6) == 0) {
        return LLM_BLOCK_AUDIO;
    }

    if (mime->len >= 6 && memcmp(mime->data, "video/", 6) == 0) {
        return LLM_BLOCK_VIDEO;
    }

    return mime->len ? LLM_BLOCK_DOCUMENT : LLM_BLOCK_IMAGE;
}


/* what Google ran for the model, as the text that others would have seen */

static int
llm_generate_read_code(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw, unsigned result)
{
    llm_buf_t  b;
    llm_str_t  text, values[2];

    static const char *const  code[] = { "code", "language" };
    static const char *const  output[] = { "output", "outcome" };

    llm_member_pick(raw, result ? output : code, 2, values);

    if (llm_form_string(r->form->arena, &values[0], &text) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, r->form->arena);

    llm_buf_puts(&b, !result && llm_form_is(&values[1], "PYTHON")
                     ? "```python\n" : "```\n");
    llm_buf_add(&b, text.data, text.len);
    llm_buf_puts(&b, "\n```\n");

    if (b.failed) {
        return LLM_NOMEM;
    }

    text.data = b.data;
    text.len = b.len;

    return llm_form_add_text(r->form, turn, &text);
}


/* refuses what stands at the place that is being read */

int
llm_generate_bad(llm_generate_read_t *r, const char *member,
    const char *message)
{
    char       place[128];
    llm_str_t  param;

    snprintf(place, sizeof(place), "contents[%u].parts[%u]%s%s", r->turn,
             r->part, member ? "." : "", member ? member : "");

    if (llm_str_dup(r->form->arena, &param, place, strlen(place)) != LLM_OK) {
        return LLM_NOMEM;
    }

    return llm_translate_refuse(r->err, LLM_ERROR_BAD_REQUEST,
                                (char *) param.data, message);
}
