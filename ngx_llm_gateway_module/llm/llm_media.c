
/*
 * Images, documents and sounds as clients give them.
 */


#include "llm_base64.h"
#include "llm_dialect.h"


#define LLM_MEDIA_HEAD  16        /* bytes that tell what it is */


typedef struct {
    uint8_t          at;
    uint8_t          len;
    char             bytes[8];
    uint8_t          at2;         /* a second place, if len2 */
    uint8_t          len2;
    char             bytes2[8];
    llm_str_t        mime;
} llm_media_magic_t;


static void llm_media_sniff(llm_block_t *block);
static int llm_media_text(llm_form_t *form, llm_block_t *block,
    const llm_str_t *payload);
static int llm_media_percent(llm_arena_t *arena, const llm_str_t *text,
    llm_str_t *out);
static unsigned llm_media_is(const llm_str_t *s, const char *word);
static unsigned llm_media_hex(const unsigned char *p, unsigned char *c);


static const llm_media_magic_t  llm_media_magics[] = {
    { 0, 4, "\x89PNG", 0, 0, "", llm_string("image/png") },
    { 0, 3, "\xff\xd8\xff", 0, 0, "", llm_string("image/jpeg") },
    { 0, 4, "GIF8", 0, 0, "", llm_string("image/gif") },
    { 0, 4, "RIFF", 8, 4, "WEBP", llm_string("image/webp") },
    { 0, 4, "RIFF", 8, 4, "WAVE", llm_string("audio/wav") },
    { 0, 5, "%PDF-", 0, 0, "", llm_string("application/pdf") }
};


int
llm_form_media(llm_form_t *form, llm_block_t *block, const llm_str_t *url)
{
    int             rc;
    unsigned        base64;
    llm_str_t       mime, param, payload;
    unsigned char  *p, *comma, *semicolon;

    param.data = url->data;
    param.len = url->len < 5 ? url->len : 5;

    if (!llm_media_is(&param, "data:")) {
        block->source = LLM_SOURCE_URL;
        block->data = *url;
        return LLM_OK;
    }

    p = url->data + 5;
    comma = memchr(p, ',', url->len - 5);

    if (comma == NULL) {
        return LLM_INVALID;
    }

    payload.data = comma + 1;
    payload.len = (size_t) (url->data + url->len - payload.data);

    mime.data = p;
    mime.len = (size_t) (comma - p);

    base64 = 0;

    semicolon = memchr(p, ';', mime.len);

    if (semicolon) {
        mime.len = (size_t) (semicolon - p);

        /* parameters, of which "base64" is the last */

        param.data = comma - 7;
        param.len = 7;
        base64 = comma - semicolon >= 7 && llm_media_is(&param, ";base64");
    }

    rc = llm_media_percent(form->arena, &payload, &payload);
    if (rc != LLM_OK) {
        return rc;
    }

    block->mime = mime;

    if (!base64) {
        return llm_media_text(form, block, &payload);
    }

    return llm_form_base64(form, block, &mime, &payload);
}


int
llm_form_base64(llm_form_t *form, llm_block_t *block, const llm_str_t *mime,
    const llm_str_t *data)
{
    int     rc;
    size_t  i;

    block->source = LLM_SOURCE_BASE64;

    /* types are compared as they are written in lower case */

    if (mime->len) {
        rc = llm_str_dup(form->arena, &block->mime, mime->data, mime->len);
        if (rc != LLM_OK) {
            return rc;
        }

        for (i = 0; i < mime->len; i++) {

            if (block->mime.data[i] >= 'A' && block->mime.data[i] <= 'Z') {
                block->mime.data[i] |= 0x20;
            }
        }
    }

    rc = llm_base64_clean(form->arena, data, &block->data);
    if (rc != LLM_OK) {
        return rc;
    }

    if (block->data.len == 0) {
        return LLM_INVALID;
    }

    llm_media_sniff(block);

    return LLM_OK;
}


void
llm_form_print_data_url(const llm_str_t *mime, const llm_str_t *data,
    llm_buf_t *out)
{
    size_t  i;

    llm_buf_puts(out, "\"data:");

    for (i = 0; i < mime->len; i++) {

        if (mime->data[i] > ' ' && mime->data[i] < 0x7f
            && mime->data[i] != '"' && mime->data[i] != '\\')
        {
            llm_buf_add(out, mime->data + i, 1);
        }
    }

    llm_buf_puts(out, ";base64,");
    llm_buf_add(out, data->data, data->len);
    llm_buf_puts(out, "\"");
}


/* providers refuse what is not what it is said to be */

static void
llm_media_sniff(llm_block_t *block)
{
    size_t                    i;
    llm_str_t                 head;
    llm_buf_t                 b;
    llm_arena_t               none;
    unsigned char             bytes[LLM_MEDIA_HEAD + 3];
    const llm_media_magic_t  *m;

    memset(&none, 0, sizeof(llm_arena_t));
    memset(&b, 0, sizeof(llm_buf_t));

    b.arena = &none;
    b.data = bytes;
    b.size = sizeof(bytes);

    head.data = block->data.data;
    head.len = block->data.len < LLM_MEDIA_HEAD ? block->data.len
                                                : LLM_MEDIA_HEAD;

    if (llm_base64_decode(&b, &head) != LLM_OK) {
        return;
    }

    for (i = 0; i < sizeof(llm_media_magics) / sizeof(llm_media_magics[0]);
         i++)
    {
        m = &llm_media_magics[i];

        if (b.len >= (size_t) m->at + m->len
            && memcmp(bytes + m->at, m->bytes, m->len) == 0
            && b.len >= (size_t) m->at2 + m->len2
            && memcmp(bytes + m->at2, m->bytes2, m->len2) == 0)
        {
            block->mime = m->mime;
            return;
        }
    }
}


/* a URL's payload that is text */

static int
llm_media_text(llm_form_t *form, llm_block_t *block,
    const llm_str_t *payload)
{
    llm_buf_t  b;
    llm_str_t  head;

    head = block->mime;
    head.len = head.len < 5 ? head.len : 5;

    if (block->kind == LLM_BLOCK_DOCUMENT
        && (head.len == 0 || llm_media_is(&head, "text/")))
    {
        block->source = LLM_SOURCE_TEXT;
        block->data = *payload;

        if (block->mime.len == 0) {
            block->mime.data = (unsigned char *) "text/plain";
            block->mime.len = sizeof("text/plain") - 1;
        }

        return LLM_OK;
    }

    llm_buf_init(&b, form->arena);
    llm_base64_encode(&b, payload->data, payload->len);

    if (b.failed) {
        return LLM_NOMEM;
    }

    head.data = b.data;
    head.len = b.len;

    return llm_form_base64(form, block, &block->mime, &head);
}


static int
llm_media_percent(llm_arena_t *arena, const llm_str_t *text, llm_str_t *out)
{
    unsigned char  *d;
    unsigned char  *p, *end;

    if (memchr(text->data, '%', text->len) == NULL) {
        *out = *text;
        return LLM_OK;
    }

    p = text->data;
    end = p + text->len;

    d = llm_alloc(arena, text->len);
    if (d == NULL) {
        return LLM_NOMEM;
    }

    out->data = d;

    while (p < end) {

        if (*p == '%' && end - p >= 3 && llm_media_hex(p + 1, d)) {
            p += 3;
            d++;
            continue;
        }

        *d++ = *p++;
    }

    out->len = (size_t) (d - out->data);

    return LLM_OK;
}


static unsigned
llm_media_hex(const unsigned char *p, unsigned char *c)
{
    unsigned  i, digit, n;

    n = 0;

    for (i = 0; i < 2; i++) {
        digit = (unsigned) (p[i] - '0');

        if (digit > 9) {
            digit = (unsigned) ((p[i] | 0x20) - 'a');

            if (digit > 5) {
                return 0;
            }

            digit += 10;
        }

        n = n << 4 | digit;
    }

    *c = (unsigned char) n;

    return 1;
}


/* the same in any case; word is in lower case */

static unsigned
llm_media_is(const llm_str_t *s, const char *word)
{
    size_t         i;
    unsigned char  c;

    if (s->len != strlen(word)) {
        return 0;
    }

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (c != (unsigned char) word[i]) {
            return 0;
        }
    }

    return 1;
}
