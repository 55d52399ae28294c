
#include "llm_base64.h"
#include "llm_convert_upload.h"


#define LLM_UPLOAD_HEAD  24       /* bytes that tell what a file is */


static int llm_upload_read_json(llm_convert_t *c, const llm_str_t *body,
    const char *const *names, unsigned n, llm_upload_t *u);
static int llm_upload_read_form(llm_convert_t *c, const llm_convert_in_t *in,
    const char *const *names, unsigned n, llm_upload_t *u, llm_error_t *err);
static int llm_upload_mime(llm_convert_t *c, const llm_upload_t *u,
    unsigned file, llm_str_t *mime);


/* sounds, which conversations have less use for */

static const struct {
    unsigned         at;
    unsigned         len;
    const char      *bytes;
    llm_str_t        mime;
} llm_upload_sounds[] = {
    { 0, 3, "ID3", llm_string("audio/mp3") },
    { 0, 2, "\xff\xfb", llm_string("audio/mp3") },
    { 0, 2, "\xff\xf3", llm_string("audio/mp3") },
    { 0, 2, "\xff\xf2", llm_string("audio/mp3") },
    { 0, 4, "OggS", llm_string("audio/ogg") },
    { 0, 4, "fLaC", llm_string("audio/flac") },
    { 4, 4, "ftyp", llm_string("audio/mp4") },
    { 0, 4, "\x1a\x45\xdf\xa3", llm_string("audio/webm") }
};


int
llm_upload_read(llm_convert_t *c, const llm_convert_in_t *in,
    const char *const *names, unsigned n, llm_upload_t *u, llm_error_t *err)
{
    memset(u, 0, sizeof(llm_upload_t));

    return in->boundary.len ? llm_upload_read_form(c, in, names, n, u, err)
                            : llm_upload_read_json(c, &in->body, names, n, u);
}


static int
llm_upload_read_json(llm_convert_t *c, const llm_str_t *body,
    const char *const *names, unsigned n, llm_upload_t *u)
{
    unsigned   i;
    llm_str_t  values[24];

    llm_member_pick(body, names, n, values);

    for (i = 0; i < n; i++) {
        u->types[i] = llm_form_type(&values[i]);
        u->values[i] = values[i];

        if (u->types[i] == LLM_JSON_STRING
            && llm_form_string(c->arena, &values[i], &u->values[i]) != LLM_OK)
        {
            return LLM_NOMEM;
        }
    }

    u->base64 = 1;

    return LLM_OK;
}


static int
llm_upload_read_form(llm_convert_t *c, const llm_convert_in_t *in,
    const char *const *names, unsigned n, llm_upload_t *u, llm_error_t *err)
{
    size_t              len;
    unsigned            i, k, nfields;
    llm_str_t           value;
    const llm_field_t  *fields;
    llm_multipart_t    *m;

    m = llm_multipart_create(c->arena, &in->boundary);
    if (m == NULL) {
        return LLM_NOMEM;
    }

    if (llm_multipart_feed(m, in->body.data, in->body.len) != LLM_OK
        || llm_multipart_end(m) != LLM_OK)
    {
        return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "",
                                  llm_multipart_error(m));
    }

    fields = llm_multipart_fields(m, &nfields);

    for (i = 0; i < nfields; i++) {
        value.data = in->body.data + fields[i].start;
        value.len = fields[i].end - fields[i].start;

        if (fields[i].file) {

            if (u->nfiles == LLM_UPLOAD_FILES) {
                return llm_convert_refuse(err, LLM_ERROR_BAD_REQUEST, "",
                                          "there are too many files");
            }

            u->names[u->nfiles] = fields[i].name;
            u->files[u->nfiles++] = value;

            continue;
        }

        for (k = 0; k < n; k++) {
            len = strlen(names[k]);

            /* lists are written with brackets */

            if (fields[i].name.len >= len
                && memcmp(fields[i].name.data, names[k], len) == 0
                && (fields[i].name.len == len
                    || (fields[i].name.len == len + 2
                        && memcmp(fields[i].name.data + len, "[]", 2) == 0)))
            {
                u->values[k] = value;
                u->types[k] = LLM_JSON_STRING;
                break;
            }
        }
    }

    return LLM_OK;
}


int64_t
llm_upload_int(const llm_upload_t *u, unsigned i)
{
    int64_t  n;

    if (u->types[i] == LLM_JSON_NONE || u->types[i] == LLM_JSON_NULL
        || u->values[i].len == 0)
    {
        return -1;
    }

    /* numbers in strings are usual: "seconds": "8" */

    if ((u->types[i] != LLM_JSON_NUMBER && u->types[i] != LLM_JSON_STRING)
        || u->values[i].data[0] < '0' || u->values[i].data[0] > '9'
        || llm_json_int(&u->values[i], &n) != LLM_OK)
    {
        return -2;
    }

    return n;
}


int
llm_upload_print(llm_convert_t *c, const llm_upload_t *u, unsigned file,
    const char *mime, const char *data, llm_buf_t *out)
{
    int               rc;
    llm_str_t         type;
    const llm_str_t  *bytes;

    rc = llm_upload_mime(c, u, file, &type);

    if (rc != LLM_OK) {
        return rc;
    }

    bytes = &u->files[file];

    if (llm_buf_reserve(out, bytes->len / 3 * 4 + 256) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_buf_puts(out, "{\"");
    llm_buf_puts(out, mime);
    llm_buf_puts(out, "\":");
    llm_buf_json(out, type.data, type.len);
    llm_buf_puts(out, ",\"");
    llm_buf_puts(out, data);
    llm_buf_puts(out, "\":\"");

    if (u->base64) {
        llm_buf_add(out, bytes->data, bytes->len);

    } else {
        llm_base64_encode(out, bytes->data, bytes->len);
    }

    llm_buf_puts(out, "\"}");

    return LLM_OK;
}


/* by its first bytes: what a client says of a file is often wrong */

static int
llm_upload_mime(llm_convert_t *c, const llm_upload_t *u, unsigned file,
    llm_str_t *mime)
{
    unsigned          i;
    llm_buf_t         b;
    llm_str_t         head, text, none;
    llm_form_t        form;
    llm_block_t       block;
    const llm_str_t  *bytes;

    if (u->mimes[file].len) {
        *mime = u->mimes[file];
        return LLM_OK;
    }

    bytes = &u->files[file];

    if (u->base64 || bytes->len < 8) {
        return LLM_INVALID;
    }

    for (i = 0; i < sizeof(llm_upload_sounds) / sizeof(llm_upload_sounds[0]);
         i++)
    {
        if (memcmp(bytes->data + llm_upload_sounds[i].at,
                   llm_upload_sounds[i].bytes, llm_upload_sounds[i].len)
            == 0)
        {
            *mime = llm_upload_sounds[i].mime;
            return LLM_OK;
        }
    }

    memset(&form, 0, sizeof(llm_form_t));
    memset(&block, 0, sizeof(llm_block_t));

    form.arena = c->arena;

    head = *bytes;

    if (head.len > LLM_UPLOAD_HEAD) {
        head.len = LLM_UPLOAD_HEAD;
    }

    llm_buf_init(&b, c->arena);
    llm_base64_encode(&b, head.data, head.len);

    if (b.failed) {
        return LLM_NOMEM;
    }

    text.data = b.data;
    text.len = b.len;

    none.len = 0;
    none.data = NULL;

    if (llm_form_base64(&form, &block, &none, &text) == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    *mime = block.mime;

    return mime->len ? LLM_OK : LLM_INVALID;
}
