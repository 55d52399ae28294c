
/* the blocks of a client's Messages request */


#include "llm_messages.h"


#define ANY  UINT32_MAX


/* members of all types of blocks: one walk finds what any of them has */

enum {
    TYPE = 0,
    TEXT,
    CACHE,
    ID,
    NAME,
    INPUT,
    RESULT_ID,
    CONTENT,
    IS_ERROR,
    THINKING,
    SIGNATURE,
    DATA,
    TITLE,
    CONTEXT,
    TOOL_NAME,
    SOURCE,                     /* of a search result a URL */
    BLOCK_N
};

static const llm_pick_t  llm_messages_block_picks[BLOCK_N] = {
    { "type",          LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "text",          LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "cache_control", LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "id",            LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "name",          LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "input",         LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "tool_use_id",   LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "content",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "is_error",      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "thinking",      LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "signature",     LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "data",          LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "title",         LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "context",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "tool_name",     LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "source",        LLM_PICK_ROOT, LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_messages_block_set
    = llm_picks(llm_messages_block_picks);


enum {
    SOURCE_TYPE = 0,
    SOURCE_MIME,
    SOURCE_DATA,
    SOURCE_URL,
    SOURCE_FILE,
    SOURCE_CONTENT,
    SOURCE_N
};

static const llm_pick_t  llm_messages_source_picks[SOURCE_N] = {
    { "type",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "media_type", LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "data",       LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "url",        LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "file_id",    LLM_PICK_ROOT, LLM_PICK_RAW, ANY },
    { "content",    LLM_PICK_ROOT, LLM_PICK_RAW, ANY }
};

static llm_picks_t  llm_messages_source_set
    = llm_picks(llm_messages_source_picks);


typedef struct {
    llm_form_t        *form;
    llm_turn_t        *turn;
    llm_error_t       *err;
    const char        *path;
    llm_state_t        state;     /* for the tool call that follows */
} llm_messages_content_t;


typedef struct {
    const char        *type;
    int              (*read)(llm_messages_content_t *c, const llm_str_t *v);
} llm_messages_block_t;


static int llm_messages_read_blocks(llm_messages_content_t *c,
    const llm_str_t *value, const llm_messages_block_t *rows);
static int llm_messages_read_text(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_image(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_document(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_source(llm_messages_content_t *c,
    llm_block_t *block, const llm_str_t *source);
static int llm_messages_read_pages(llm_messages_content_t *c,
    llm_block_t *block, const llm_str_t *pages);
static int llm_messages_read_thinking(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_redacted(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_state(llm_messages_content_t *c,
    const llm_str_t *text, const llm_str_t *data);
static int llm_messages_read_call(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_result(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_found(llm_messages_content_t *c,
    const llm_str_t *v);
static int llm_messages_read_reference(llm_messages_content_t *c,
    const llm_str_t *v);
static llm_block_t *llm_messages_add(llm_messages_content_t *c,
    llm_block_e kind, const llm_str_t *v);
static int llm_messages_decode(llm_messages_content_t *c,
    const llm_str_t *raw, llm_str_t *out);
static int llm_messages_complain(llm_messages_content_t *c,
    const char *message);


static const llm_messages_block_t  llm_messages_blocks[] = {
    { "text",              llm_messages_read_text },
    { "tool_use",          llm_messages_read_call },
    { "tool_result",       llm_messages_read_result },
    { "thinking",          llm_messages_read_thinking },
    { "redacted_thinking", llm_messages_read_redacted },
    { "image",             llm_messages_read_image },
    { "document",          llm_messages_read_document },
    { "search_result",     llm_messages_read_found },
    { NULL,                NULL }
};


/* what may stand in a tool's result */

static const llm_messages_block_t  llm_messages_results[] = {
    { "text",              llm_messages_read_text },
    { "image",             llm_messages_read_image },
    { "document",          llm_messages_read_document },
    { "search_result",     llm_messages_read_found },
    { "tool_reference",    llm_messages_read_reference },
    { NULL,                NULL }
};


int
llm_messages_read_content(llm_form_t *form, llm_turn_t *turn,
    const llm_str_t *value, const char *path, llm_error_t *err)
{
    llm_messages_content_t  c;

    memset(&c, 0, sizeof(c));

    c.form = form;
    c.turn = turn;
    c.err = err;
    c.path = path;

    return llm_messages_read_blocks(&c, value, llm_messages_blocks);
}


static int
llm_messages_read_blocks(llm_messages_content_t *c, const llm_str_t *value,
    const llm_messages_block_t *rows)
{
    int                          rc;
    llm_str_t                    element, text;
    llm_str_t                    v[BLOCK_N];
    llm_walk_t                   w;
    const llm_messages_block_t  *row;

    if (llm_form_type(value) == LLM_JSON_STRING) {

        if (llm_messages_decode(c, value, &text) != LLM_OK) {
            return LLM_NOMEM;
        }

        return llm_form_add_text(c->form, c->turn, &text);
    }

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return llm_messages_complain(c, "a string or an array of blocks is "
                                        "expected");
    }

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &element)) {

        if (llm_scan_kept(&llm_messages_block_set, &element, v) != LLM_OK
            || llm_form_type(&v[TYPE]) != LLM_JSON_STRING)
        {
            return llm_messages_complain(c, "each block is an object with a "
                                            "type");
        }

        for (row = rows; row->read; row++) {
            if (llm_form_is(&v[TYPE], row->type)) {
                break;
            }
        }

        /* of tools that the provider ran itself, mostly */

        rc = row->read ? row->read(c, v)
                       : llm_form_drop(c->form, "messages.content");

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_messages_read_text(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_str_t     text;
    llm_block_t  *block;

    if (llm_form_type(&v[TEXT]) != LLM_JSON_STRING) {
        return llm_messages_complain(c, "a block of type \"text\" has a "
                                        "text");
    }

    if (llm_messages_decode(c, &v[TEXT], &text) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (text.len == 0) {
        return LLM_OK;
    }

    block = llm_messages_add(c, LLM_BLOCK_TEXT, v);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->text = text;

    return LLM_OK;
}


static int
llm_messages_read_image(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_block_t  *block;

    block = llm_messages_add(c, LLM_BLOCK_IMAGE, v);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    return llm_messages_read_source(c, block, &v[SOURCE]);
}


static int
llm_messages_read_document(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_str_t     text;
    llm_block_t  *block;

    if (llm_messages_decode(c, &v[CONTEXT], &text) != LLM_OK
        || llm_form_add_text(c->form, c->turn, &text) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    block = llm_messages_add(c, LLM_BLOCK_DOCUMENT, v);

    if (block == NULL
        || llm_messages_decode(c, &v[TITLE], &block->name) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    return llm_messages_read_source(c, block, &v[SOURCE]);
}


static int
llm_messages_read_source(llm_messages_content_t *c, llm_block_t *block,
    const llm_str_t *source)
{
    int        rc;
    llm_str_t  mime, data, v[SOURCE_N];

    (void) llm_scan_kept(&llm_messages_source_set, source, v);

    if (llm_form_is(&v[SOURCE_TYPE], "base64")) {

        if (llm_messages_decode(c, &v[SOURCE_MIME], &mime) != LLM_OK
            || llm_messages_decode(c, &v[SOURCE_DATA], &data) != LLM_OK)
        {
            return LLM_NOMEM;
        }

        rc = llm_form_base64(c->form, block, &mime, &data);

        if (rc == LLM_INVALID || data.len == 0) {
            return llm_messages_complain(c, "source.data is no base64");
        }

        return rc;
    }

    if (llm_form_is(&v[SOURCE_TYPE], "url")) {
        block->source = LLM_SOURCE_URL;
        return llm_messages_decode(c, &v[SOURCE_URL], &block->data);
    }

    if (llm_form_is(&v[SOURCE_TYPE], "file")) {
        block->source = LLM_SOURCE_FILE;
        return llm_messages_decode(c, &v[SOURCE_FILE], &block->data);
    }

    if (llm_form_is(&v[SOURCE_TYPE], "text")) {
        block->source = LLM_SOURCE_TEXT;

        if (llm_messages_decode(c, &v[SOURCE_MIME], &block->mime) != LLM_OK) {
            return LLM_NOMEM;
        }

        return llm_messages_decode(c, &v[SOURCE_DATA], &block->data);
    }

    if (llm_form_is(&v[SOURCE_TYPE], "content")
        && block->kind == LLM_BLOCK_DOCUMENT)
    {
        return llm_messages_read_pages(c, block, &v[SOURCE_CONTENT]);
    }

    return llm_messages_complain(c, "a source of a type that is known is "
                                    "expected");
}


/* a document of blocks: its texts are kept */

static int
llm_messages_read_pages(llm_messages_content_t *c, llm_block_t *block,
    const llm_str_t *pages)
{
    int                     rc;
    llm_turn_t              turn;
    llm_messages_content_t  inner;

    memset(&turn, 0, sizeof(llm_turn_t));
    turn.last = &turn.blocks;

    inner = *c;
    inner.turn = &turn;

    rc = llm_messages_read_blocks(&inner, pages, llm_messages_results);

    if (rc != LLM_OK) {
        return rc;
    }

    block->source = LLM_SOURCE_TEXT;

    return llm_form_text(c->form->arena, turn.blocks, "\n\n", &block->data);
}


/*
 * The state of a model's reasoning stands in the signature: Anthropic's own,
 * or that of another provider, as the gateway told it.
 */

static int
llm_messages_read_thinking(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_str_t  text, data;

    if (llm_messages_decode(c, &v[THINKING], &text) != LLM_OK
        || llm_messages_decode(c, &v[SIGNATURE], &data) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    return llm_messages_read_state(c, &text, &data);
}


static int
llm_messages_read_redacted(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_str_t  data;

    if (llm_messages_decode(c, &v[DATA], &data) != LLM_OK) {
        return LLM_NOMEM;
    }

    return data.len ? llm_messages_read_state(c, NULL, &data) : LLM_OK;
}


/* text: NULL of a redacted block */

static int
llm_messages_read_state(llm_messages_content_t *c, const llm_str_t *text,
    const llm_str_t *data)
{
    int           rc;
    llm_state_t   state;
    llm_block_t  *block;

    memset(&state, 0, sizeof(llm_state_t));

    if (data->len) {
        rc = llm_state_read(c->form->arena, data, &state);

        if (rc == LLM_NOMEM) {
            return LLM_NOMEM;
        }

        if (rc != LLM_OK) {
            state.kind = LLM_STATE_ANTHROPIC;
            state.data = *data;
        }
    }

    /* Gemini's belongs to the call that was made then */

    if (state.kind == LLM_STATE_GEMINI) {
        c->state = state;
        memset(&state, 0, sizeof(llm_state_t));
    }

    if ((text == NULL || text->len == 0) && state.kind == LLM_STATE_NONE) {
        return LLM_OK;
    }

    block = llm_form_block(c->form, c->turn, LLM_BLOCK_THINKING);
    if (block == NULL) {
        return LLM_NOMEM;
    }

    block->state = state;

    if (text) {
        block->text = *text;
    }

    if (text == NULL
        || (text->len == 0 && state.kind != LLM_STATE_ANTHROPIC))
    {
        block->kind = LLM_BLOCK_REDACTED;
    }

    return LLM_OK;
}


static int
llm_messages_read_call(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_block_t  *block;

    if (llm_form_type(&v[ID]) != LLM_JSON_STRING
        || llm_form_type(&v[NAME]) != LLM_JSON_STRING)
    {
        return llm_messages_complain(c, "a block of type \"tool_use\" has an "
                                        "id and a name");
    }

    block = llm_messages_add(c, LLM_BLOCK_TOOL_CALL, v);

    if (block == NULL
        || llm_messages_decode(c, &v[ID], &block->id) != LLM_OK
        || llm_messages_decode(c, &v[NAME], &block->name) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    block->state = c->state;
    memset(&c->state, 0, sizeof(llm_state_t));

    if (llm_form_type(&v[INPUT]) == LLM_JSON_OBJECT) {
        block->json = v[INPUT];
        return LLM_OK;
    }

    return llm_form_arguments(c->form->arena, &v[INPUT], &block->json);
}


static int
llm_messages_read_result(llm_messages_content_t *c, const llm_str_t *v)
{
    int                     rc;
    llm_turn_t              turn;
    llm_block_t            *block;
    const llm_block_t      *call;
    llm_messages_content_t  inner;

    if (llm_form_type(&v[RESULT_ID]) != LLM_JSON_STRING) {
        return llm_messages_complain(c, "a block of type \"tool_result\" has "
                                        "a tool_use_id");
    }

    block = llm_messages_add(c, LLM_BLOCK_TOOL_RESULT, v);

    if (block == NULL
        || llm_messages_decode(c, &v[RESULT_ID], &block->id) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    block->error = (llm_form_type(&v[IS_ERROR]) == LLM_JSON_TRUE);

    call = llm_form_find_call(c->form, &block->id);

    if (call) {
        block->name = call->name;
    }

    if (llm_form_type(&v[CONTENT]) <= LLM_JSON_NULL) {
        return LLM_OK;
    }

    memset(&turn, 0, sizeof(llm_turn_t));
    turn.last = &turn.blocks;

    inner = *c;
    inner.turn = &turn;

    rc = llm_messages_read_blocks(&inner, &v[CONTENT], llm_messages_results);

    block->content = turn.blocks;

    return rc;
}


/* a passage that the client found: text, with where it is from */

static int
llm_messages_read_found(llm_messages_content_t *c, const llm_str_t *v)
{
    int                     rc;
    llm_buf_t               b;
    llm_str_t               title, url, text;
    llm_turn_t              turn;
    llm_messages_content_t  inner;

    memset(&turn, 0, sizeof(llm_turn_t));
    turn.last = &turn.blocks;

    inner = *c;
    inner.turn = &turn;

    rc = llm_messages_read_blocks(&inner, &v[CONTENT], llm_messages_results);

    if (rc != LLM_OK) {
        return rc;
    }

    if (llm_messages_decode(c, &v[TITLE], &title) != LLM_OK
        || llm_messages_decode(c, &v[SOURCE], &url) != LLM_OK
        || llm_form_text(c->form->arena, turn.blocks, "\n", &text) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, c->form->arena);

    llm_buf_add(&b, title.data, title.len);
    llm_buf_puts(&b, "\n");
    llm_buf_add(&b, url.data, url.len);
    llm_buf_puts(&b, "\n");
    llm_buf_add(&b, text.data, text.len);

    if (b.failed) {
        return LLM_NOMEM;
    }

    text.data = b.data;
    text.len = b.len;

    return llm_form_add_text(c->form, c->turn, &text);
}


static int
llm_messages_read_reference(llm_messages_content_t *c, const llm_str_t *v)
{
    llm_str_t  name;

    if (llm_messages_decode(c, &v[TOOL_NAME], &name) != LLM_OK) {
        return LLM_NOMEM;
    }

    return llm_form_add_text(c->form, c->turn, &name);
}


static llm_block_t *
llm_messages_add(llm_messages_content_t *c, llm_block_e kind,
    const llm_str_t *v)
{
    llm_block_t  *block;

    block = llm_form_block(c->form, c->turn, kind);

    if (block) {
        block->cache = llm_messages_cache(&v[CACHE]);
    }

    return block;
}


/* a string; empty where there is none */

static int
llm_messages_decode(llm_messages_content_t *c, const llm_str_t *raw,
    llm_str_t *out)
{
    out->len = 0;
    out->data = NULL;

    if (llm_form_type(raw) != LLM_JSON_STRING) {
        return LLM_OK;
    }

    return llm_form_string(c->form->arena, raw, out);
}


static int
llm_messages_complain(llm_messages_content_t *c, const char *message)
{
    return llm_messages_refuse(c->form, c->err, c->path, message);
}
