
/* Gemini's dialect: parts of the contents of a request */


#include "llm_generate.h"
#include "llm_quirk.h"


static int llm_generate_write_call(llm_generate_write_t *w,
    const llm_block_t *block);
static unsigned llm_generate_own_id(llm_generate_write_t *w,
    const llm_str_t *id);
static int llm_generate_write_response(llm_generate_write_t *w,
    const llm_block_t *block);
static int llm_generate_write_inside(llm_generate_write_t *w,
    const llm_block_t *block);
static int llm_generate_write_media(llm_generate_write_t *w,
    const llm_block_t *block);
static void llm_generate_write_mime(llm_generate_write_t *w,
    const llm_block_t *block);
static unsigned llm_generate_own_file(const llm_str_t *uri);
static int llm_generate_write_document(llm_generate_write_t *w,
    const llm_block_t *block);
static const char *llm_generate_extension(const llm_str_t *url);


/* "my.function:x" is fine */
const llm_name_rule_t  llm_generate_names = { 64, 1, 1, 0 };


int
llm_generate_write_block(llm_generate_write_t *w, const llm_block_t *block)
{
    const llm_str_t  *signature;

    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:

        if (block->text.len == 0) {
            return LLM_OK;
        }

        signature = (block->state.kind == LLM_STATE_GEMINI)
                    ? &block->state.data : NULL;

        llm_generate_write_text(w, &block->text, signature);

        return LLM_OK;

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:

        /*
         * Thoughts do not go back, but where a client's protocol has no place
         * for a call's signature they carry it.
         */

        if (block->state.kind == LLM_STATE_GEMINI) {
            w->signature = &block->state.data;
        }

        return LLM_OK;

    case LLM_BLOCK_TOOL_CALL:
        return llm_generate_write_call(w, block);

    case LLM_BLOCK_TOOL_RESULT:
        return LLM_OK;

    default:
        return llm_generate_write_media(w, block);
    }
}


void
llm_generate_write_comma(llm_generate_write_t *w)
{
    if (w->parts++) {
        llm_buf_puts(w->out, ",");
    }
}


void
llm_generate_write_text(llm_generate_write_t *w, const llm_str_t *text,
    const llm_str_t *signature)
{
    llm_generate_write_comma(w);

    llm_buf_puts(w->out, "{\"text\":");
    llm_buf_json(w->out, text->data, text->len);

    if (signature) {
        llm_buf_puts(w->out, ",\"thoughtSignature\":");
        llm_buf_json(w->out, signature->data, signature->len);
    }

    llm_buf_puts(w->out, "}");
}


static int
llm_generate_write_call(llm_generate_write_t *w, const llm_block_t *block)
{
    llm_str_t         name;
    const llm_str_t  *signature;

    static const llm_str_t  skip
        = llm_string("skip_thought_signature_validator");

    if (llm_name_map(w->x, &llm_generate_names, &block->name, &name)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    signature = NULL;

    if (block->state.kind == LLM_STATE_GEMINI) {
        signature = &block->state.data;

    } else if (w->signature) {
        signature = w->signature;

    } else if (!w->called && llm_quirk(w->x->to, LEVEL)) {

        /* the first call of a step is refused without one */

        signature = &skip;
    }

    w->signature = NULL;
    w->called = 1;

    llm_generate_write_comma(w);

    llm_buf_puts(w->out, "{\"functionCall\":{\"name\":");
    llm_buf_json(w->out, name.data, name.len);

    if (llm_generate_own_id(w, &block->id)) {
        llm_buf_puts(w->out, ",\"id\":");
        llm_buf_json(w->out, block->id.data, block->id.len);
    }

    llm_buf_puts(w->out, ",\"args\":");
    llm_form_print_raw(w->out, &block->json);
    llm_buf_puts(w->out, "}");

    if (signature) {
        llm_buf_puts(w->out, ",\"thoughtSignature\":");
        llm_buf_json(w->out, signature->data, signature->len);
    }

    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/*
 * The Gemini API gives ids since its third generation, of eight small letters
 * and digits, and knows its own only.
 */

static unsigned
llm_generate_own_id(llm_generate_write_t *w, const llm_str_t *id)
{
    size_t  i;

    if (id->len != 8 || !llm_quirk(w->x->to, LEVEL)
        || llm_quirk(w->x->to, VERTEX))
    {
        return 0;
    }

    for (i = 0; i < id->len; i++) {

        if (!((id->data[i] >= 'a' && id->data[i] <= 'z')
              || (id->data[i] >= '0' && id->data[i] <= '9')))
        {
            return 0;
        }
    }

    return 1;
}


int
llm_generate_write_result(llm_generate_write_t *w, const llm_block_t *block,
    const llm_block_t *call)
{
    int        rc;
    llm_str_t  name;

    if (llm_name_map(w->x, &llm_generate_names, &call->name, &name)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_generate_write_comma(w);

    llm_buf_puts(w->out, "{\"functionResponse\":{\"name\":");
    llm_buf_json(w->out, name.data, name.len);

    if (llm_generate_own_id(w, &call->id)) {
        llm_buf_puts(w->out, ",\"id\":");
        llm_buf_json(w->out, call->id.data, call->id.len);
    }

    llm_buf_puts(w->out, ",\"response\":");

    rc = llm_generate_write_response(w, block);

    llm_buf_puts(w->out, "}}");

    return rc;
}


/* an object as it is, anything else under the name that Google gives it */

static int
llm_generate_write_response(llm_generate_write_t *w, const llm_block_t *block)
{
    int         rc;
    llm_str_t   text;
    llm_json_e  type;

    if (block->json.len) {
        llm_form_print_raw(w->out, &block->json);

    } else {

        if (llm_form_text(w->x->arena, block->content, "\n", &text)
            != LLM_OK)
        {
            return LLM_NOMEM;
        }

        rc = LLM_DECLINED;

        if (text.len && !block->error
            && (text.data[0] == '{' || text.data[0] == ' '
                || text.data[0] == '\n'))
        {
            rc = llm_form_check(w->x->arena, &text, &type);

            if (rc == LLM_NOMEM) {
                return rc;
            }

            if (rc == LLM_OK && type != LLM_JSON_OBJECT) {
                rc = LLM_DECLINED;
            }
        }

        if (rc == LLM_OK) {
            llm_form_print_raw(w->out, &text);

        } else {
            llm_buf_puts(w->out, block->error ? "{\"error\":"
                                              : "{\"output\":");
            llm_buf_json(w->out, text.data, text.len);
            llm_buf_puts(w->out, "}");
        }
    }

    return llm_quirk(w->x->to, LEVEL) ? llm_generate_write_inside(w, block)
                                      : LLM_OK;
}


/* images inside, which only the third generation takes */

static int
llm_generate_write_inside(llm_generate_write_t *w, const llm_block_t *block)
{
    int                 rc;
    unsigned            parts;
    const llm_block_t  *b;

    rc = LLM_OK;
    parts = w->parts;
    w->parts = 0;

    for (b = block->content; rc == LLM_OK && b; b = b->next) {

        if (b->kind == LLM_BLOCK_TEXT || b->source == LLM_SOURCE_TEXT) {
            continue;
        }

        if (w->parts == 0) {
            llm_buf_puts(w->out, ",\"parts\":[");
        }

        rc = llm_generate_write_media(w, b);
    }

    if (w->parts) {
        llm_buf_puts(w->out, "]");
    }

    w->parts = parts;

    return rc;
}


int
llm_generate_write_images(llm_generate_write_t *w, const llm_block_t *result)
{
    int                 rc;
    const llm_block_t  *b;

    rc = LLM_OK;

    for (b = result->content; rc == LLM_OK && b; b = b->next) {

        if (b->source == LLM_SOURCE_TEXT
            || (b->kind != LLM_BLOCK_TEXT && !llm_quirk(w->x->to, LEVEL)))
        {
            rc = llm_generate_write_media(w, b);
        }
    }

    return rc;
}


static int
llm_generate_write_media(llm_generate_write_t *w, const llm_block_t *block)
{
    switch (block->source) {

    case LLM_SOURCE_BASE64:
        llm_generate_write_comma(w);

        llm_buf_puts(w->out, "{\"inlineData\":{\"mimeType\":");
        llm_generate_write_mime(w, block);
        llm_buf_puts(w->out, ",\"data\":");
        llm_buf_json(w->out, block->data.data, block->data.len);
        llm_buf_puts(w->out, "}}");

        return LLM_OK;

    case LLM_SOURCE_TEXT:
        return llm_generate_write_document(w, block);

    case LLM_SOURCE_FILE:

        if (!llm_generate_own_file(&block->data)) {
            return llm_translate_refuse(w->err, LLM_ERROR_UNTRANSLATABLE,
                                        "file_id", "a file that was uploaded "
                                        "elsewhere cannot be sent to Gemini");
        }

        /* fall through */

    case LLM_SOURCE_URL:
        llm_generate_write_comma(w);

        llm_buf_puts(w->out, "{\"fileData\":{\"mimeType\":");
        llm_generate_write_mime(w, block);
        llm_buf_puts(w->out, ",\"fileUri\":");
        llm_buf_json(w->out, block->data.data, block->data.len);
        llm_buf_puts(w->out, "}}");

        return LLM_OK;

    default:
        return LLM_OK;
    }
}


/* Google refuses data without a type, so that a likely one is better */

static void
llm_generate_write_mime(llm_generate_write_t *w, const llm_block_t *block)
{
    const char  *mime;

    if (block->mime.len) {
        llm_buf_json(w->out, block->mime.data, block->mime.len);
        return;
    }

    mime = (block->source == LLM_SOURCE_BASE64)
           ? NULL : llm_generate_extension(&block->data);

    if (mime == NULL) {

        switch (block->kind) {

        case LLM_BLOCK_DOCUMENT:
            mime = "application/pdf";
            break;

        case LLM_BLOCK_AUDIO:
            mime = "audio/mpeg";
            break;

        case LLM_BLOCK_VIDEO:
            mime = "video/mp4";
            break;

        default:
            mime = "image/jpeg";
        }
    }

    llm_buf_json(w->out, mime, strlen(mime));
}


static const char *
llm_generate_extension(const llm_str_t *url)
{
    size_t    len, n;
    unsigned  i;

    static const struct {
        const char  *ending;
        const char  *mime;
    } types[] = {
        { ".png", "image/png" },
        { ".webp", "image/webp" },
        { ".gif", "image/gif" },
        { ".heic", "image/heic" },
        { ".jpg", "image/jpeg" },
        { ".jpeg", "image/jpeg" },
        { ".pdf", "application/pdf" },
        { ".txt", "text/plain" },
        { ".mp4", "video/mp4" },
        { ".webm", "video/webm" },
        { ".wav", "audio/wav" },
        { ".mp3", "audio/mpeg" },
        { NULL, NULL }
    };

    for (len = 0; len < url->len; len++) {
        if (url->data[len] == '?' || url->data[len] == '#') {
            break;
        }
    }

    for (i = 0; types[i].ending; i++) {
        n = strlen(types[i].ending);

        if (len > n && memcmp(url->data + len - n, types[i].ending, n) == 0) {
            return types[i].mime;
        }
    }

    return NULL;
}


static unsigned
llm_generate_own_file(const llm_str_t *uri)
{
    unsigned  i;

    static const llm_str_t  starts[] = {
        llm_string("https://"), llm_string("gs://"), llm_string("files/")
    };

    for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {

        if (uri->len > starts[i].len
            && memcmp(uri->data, starts[i].data, starts[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
llm_generate_write_document(llm_generate_write_t *w, const llm_block_t *block)
{
    llm_buf_t  b;
    llm_str_t  text;

    if (block->name.len == 0) {
        text = block->data;

    } else {
        llm_buf_init(&b, w->x->arena);

        llm_buf_add(&b, block->name.data, block->name.len);
        llm_buf_puts(&b, "\n\n");
        llm_buf_add(&b, block->data.data, block->data.len);

        if (b.failed) {
            return LLM_NOMEM;
        }

        text.data = b.data;
        text.len = b.len;
    }

    if (text.len) {
        llm_generate_write_text(w, &text, NULL);
    }

    return LLM_OK;
}
