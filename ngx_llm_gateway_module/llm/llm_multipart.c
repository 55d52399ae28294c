
/*
 * The framing of a multipart body: where parts begin and end.
 */


#include "llm_multipart.h"
#include "llm_multipart_header.h"


#define llm_quote(n)       llm_quote_value(n)
#define llm_quote_value(n) #n

#define LLM_MULTIPART_ERROR_FIELDS                                            \
    "more than " llm_quote(LLM_MULTIPART_MAX_FIELDS) " fields"
#define LLM_MULTIPART_ERROR_HEADER                                            \
    "header of a part over " llm_quote(LLM_MULTIPART_MAX_HEADER) " bytes"


/* CRLF, two dashes, the boundary */
#define LLM_MULTIPART_MARK  (4 + LLM_MULTIPART_MAX_BOUNDARY)


typedef enum {
    LLM_MULTIPART_PREAMBLE = 0,
    LLM_MULTIPART_VALUE,
    LLM_MULTIPART_MARKED,        /* behind a boundary */
    LLM_MULTIPART_PADDING,       /* behind white space behind it */
    LLM_MULTIPART_LF,            /* behind CR behind it */
    LLM_MULTIPART_DASH,          /* behind one dash behind it */
    LLM_MULTIPART_HEADER,
    LLM_MULTIPART_EPILOGUE
} llm_multipart_e;


struct llm_multipart_s {
    llm_multipart_e       state;
    int                   rc;
    const char           *error;

    const unsigned char  *piece;
    const unsigned char  *pos;
    const unsigned char  *end;
    size_t                offset;     /* of the piece, or of the error */

    size_t                start;      /* of the header or value at hand */
    unsigned              matched;    /* bytes of mark that were seen last */
    unsigned              nmark;
    unsigned char         mark[LLM_MULTIPART_MARK];

    llm_arena_t          *arena;
    llm_buf_t             text;       /* of it, with a mark behind a value */
    llm_field_t          *fields;
    unsigned              nfields;
    unsigned              afields;
};


static int llm_multipart_search(llm_multipart_t *m);
static int llm_multipart_value_end(llm_multipart_t *m, size_t offset);
static int llm_multipart_mark_line(llm_multipart_t *m);
static int llm_multipart_header(llm_multipart_t *m);
static int llm_multipart_header_end(llm_multipart_t *m);
static llm_field_t *llm_multipart_push(llm_multipart_t *m);
static int llm_multipart_keep(llm_multipart_t *m, const unsigned char *p,
    size_t len);
static int llm_multipart_fail(llm_multipart_t *m, size_t offset, int rc,
    const char *error);


#define llm_multipart_at(m, p)  ((m)->offset + (size_t) ((p) - (m)->piece))


llm_multipart_t *
llm_multipart_create(llm_arena_t *arena, const llm_str_t *boundary)
{
    llm_multipart_t  *m;

    if (boundary->len == 0 || boundary->len > LLM_MULTIPART_MAX_BOUNDARY
        || memchr(boundary->data, '\r', boundary->len) != NULL)
    {
        return NULL;
    }

    m = llm_calloc(arena, sizeof(llm_multipart_t));
    if (m == NULL) {
        return NULL;
    }

    m->arena = arena;
    m->error = "";

    memcpy(m->mark, "\r\n--", 4);
    memcpy(m->mark + 4, boundary->data, boundary->len);
    m->nmark = 4 + (unsigned) boundary->len;

    /* the body's beginning stands for the line end before a boundary */

    m->matched = 2;

    llm_buf_init(&m->text, arena);

    return m;
}


int
llm_multipart_feed(llm_multipart_t *m, const unsigned char *data, size_t len)
{
    int  rc;

    if (m->rc != LLM_OK || len == 0) {
        return m->rc;
    }

    m->piece = data;
    m->pos = data;
    m->end = data + len;

    while (m->pos < m->end) {

        switch (m->state) {

        case LLM_MULTIPART_PREAMBLE:
        case LLM_MULTIPART_VALUE:
            rc = llm_multipart_search(m);
            break;

        case LLM_MULTIPART_HEADER:
            rc = llm_multipart_header(m);
            break;

        case LLM_MULTIPART_EPILOGUE:
            m->pos = m->end;
            rc = LLM_OK;
            break;

        default:
            rc = llm_multipart_mark_line(m);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    m->offset += len;

    return LLM_OK;
}


int
llm_multipart_end(llm_multipart_t *m)
{
    if (m->rc == LLM_OK && m->state != LLM_MULTIPART_EPILOGUE) {
        return llm_multipart_fail(m, m->offset, LLM_INVALID,
                                  "body ends before its last boundary");
    }

    return m->rc;
}


/*
 * Looks for the mark.  CR occurs only as its first byte, so a mismatch needs
 * no table to go on: the mark can only begin anew at the byte itself.
 */

static int
llm_multipart_search(llm_multipart_t *m)
{
    unsigned              n;
    const unsigned char  *p, *from;

    p = m->pos;
    from = p;
    n = m->matched;

    while (p < m->end) {

        if (n == 0) {
            p = memchr(p, '\r', (size_t) (m->end - p));

            if (p == NULL) {
                p = m->end;
                break;
            }
        }

        while (p < m->end && n < m->nmark && *p == m->mark[n]) {
            p++;
            n++;
        }

        if (n == m->nmark) {
            break;
        }

        if (p < m->end) {
            n = 0;

            for ( /* void */ ; p < m->end && *p == '\r'; p++) {
                n = 1;
            }
        }
    }

    m->pos = p;
    m->matched = n;

    if (m->state == LLM_MULTIPART_VALUE
        && llm_multipart_keep(m, from, (size_t) (p - from)) != LLM_OK)
    {
        return llm_multipart_fail(m, m->start, LLM_NOMEM, "no memory");
    }

    if (n < m->nmark) {
        return LLM_OK;
    }

    if (m->state == LLM_MULTIPART_VALUE) {
        return llm_multipart_value_end(m, llm_multipart_at(m, p));
    }

    m->state = LLM_MULTIPART_MARKED;

    return LLM_OK;
}


/* keeps what a short text may need: itself and the mark that ends it */

static int
llm_multipart_keep(llm_multipart_t *m, const unsigned char *p, size_t len)
{
    size_t  room;

    if (m->fields[m->nfields - 1].file) {
        return LLM_OK;
    }

    room = LLM_MULTIPART_MAX_TEXT + LLM_MULTIPART_MARK - m->text.len;

    llm_buf_add(&m->text, p, (len < room) ? len : room);

    return m->text.failed ? LLM_NOMEM : LLM_OK;
}


/* offset is behind the mark */

static int
llm_multipart_value_end(llm_multipart_t *m, size_t offset)
{
    size_t        len;
    llm_field_t  *f;

    if (offset - m->start < m->nmark) {

        /* only the line end of the header stands before the boundary */

        return llm_multipart_fail(m, m->start, LLM_INVALID,
                                  "boundary where a value must begin");
    }

    f = &m->fields[m->nfields - 1];
    len = offset - m->start - m->nmark;

    f->start = m->start;
    f->end = m->start + len;

    if (!f->file) {

        if (len > LLM_MULTIPART_MAX_TEXT) {
            f->truncated = 1;

        } else if (llm_str_dup(m->arena, &f->value, m->text.data, len)
                   != LLM_OK)
        {
            return llm_multipart_fail(m, m->start, LLM_NOMEM, "no memory");
        }
    }

    m->state = LLM_MULTIPART_MARKED;

    return LLM_OK;
}


/* takes the rest of a boundary's line */

static int
llm_multipart_mark_line(llm_multipart_t *m)
{
    unsigned char  c;

    c = *m->pos++;

    switch (m->state) {

    case LLM_MULTIPART_MARKED:

        if (c == '-') {
            m->state = LLM_MULTIPART_DASH;
            return LLM_OK;
        }

        /* fall through */

    case LLM_MULTIPART_PADDING:

        if (c == ' ' || c == '\t') {
            m->state = LLM_MULTIPART_PADDING;
            return LLM_OK;
        }

        if (c == '\r') {
            m->state = LLM_MULTIPART_LF;
            return LLM_OK;
        }

        break;

    case LLM_MULTIPART_LF:

        if (c == '\n') {
            m->state = LLM_MULTIPART_HEADER;
            m->start = llm_multipart_at(m, m->pos);
            m->text.len = 0;
            return LLM_OK;
        }

        break;

    default: /* LLM_MULTIPART_DASH */

        if (c == '-') {
            m->state = LLM_MULTIPART_EPILOGUE;
            return LLM_OK;
        }
    }

    return llm_multipart_fail(m, llm_multipart_at(m, m->pos) - 1, LLM_INVALID,
                              "something follows a boundary in its line");
}


/* takes one line of a part's header, or what the piece has of it */

static int
llm_multipart_header(llm_multipart_t *m)
{
    size_t                len;
    llm_buf_t            *b;
    const unsigned char  *p;

    p = memchr(m->pos, '\n', (size_t) (m->end - m->pos));
    len = (size_t) ((p ? p + 1 : m->end) - m->pos);

    b = &m->text;

    if (len > LLM_MULTIPART_MAX_HEADER - b->len) {
        return llm_multipart_fail(m, m->start + LLM_MULTIPART_MAX_HEADER,
                                  LLM_LIMIT, LLM_MULTIPART_ERROR_HEADER);
    }

    llm_buf_add(b, m->pos, len);

    if (b->failed) {
        return llm_multipart_fail(m, m->start, LLM_NOMEM, "no memory");
    }

    m->pos += len;

    if (p == NULL) {
        return LLM_OK;
    }

    if (b->len < 2 || b->data[b->len - 2] != '\r') {
        return llm_multipart_fail(m, llm_multipart_at(m, p), LLM_INVALID,
                                  "line of a part's header without CR");
    }

    if (b->len == 2 || (b->len > 3 && b->data[b->len - 3] == '\n')) {
        return llm_multipart_header_end(m);
    }

    return LLM_OK;
}


static int
llm_multipart_header_end(llm_multipart_t *m)
{
    int                      rc;
    const char              *error;
    llm_field_t             *f;
    llm_multipart_header_t   header;

    rc = llm_multipart_header_read(&m->text, &header, &error);
    if (rc != LLM_OK) {
        return llm_multipart_fail(m, m->start, rc, error);
    }

    if (m->nfields == LLM_MULTIPART_MAX_FIELDS) {
        return llm_multipart_fail(m, m->start, LLM_LIMIT,
                                  LLM_MULTIPART_ERROR_FIELDS);
    }

    f = llm_multipart_push(m);

    if (f == NULL
        || llm_str_dup(m->arena, &f->name, header.name.data, header.name.len)
           != LLM_OK)
    {
        return llm_multipart_fail(m, m->start, LLM_NOMEM, "no memory");
    }

    f->file = header.file;

    m->state = LLM_MULTIPART_VALUE;
    m->start = llm_multipart_at(m, m->pos);
    m->text.len = 0;
    m->matched = 2;

    return LLM_OK;
}


static llm_field_t *
llm_multipart_push(llm_multipart_t *m)
{
    unsigned      n;
    llm_field_t  *f;

    if (m->nfields == m->afields) {
        n = m->afields ? m->afields * 2 : 8;

        f = llm_alloc(m->arena, n * sizeof(llm_field_t));
        if (f == NULL) {
            return NULL;
        }

        if (m->nfields) {
            memcpy(f, m->fields, m->nfields * sizeof(llm_field_t));
        }

        m->fields = f;
        m->afields = n;
    }

    f = &m->fields[m->nfields++];
    memset(f, 0, sizeof(llm_field_t));

    return f;
}


static int
llm_multipart_fail(llm_multipart_t *m, size_t offset, int rc,
    const char *error)
{
    m->rc = rc;
    m->offset = offset;
    m->error = error;

    return rc;
}


size_t
llm_multipart_offset(const llm_multipart_t *m)
{
    return m->offset;
}


const char *
llm_multipart_error(const llm_multipart_t *m)
{
    return m->error;
}


const llm_field_t *
llm_multipart_fields(const llm_multipart_t *m, unsigned *n)
{
    *n = m->nfields;

    return m->fields;
}


int
llm_multipart_find(const llm_multipart_t *m, const char *name,
    const llm_field_t **field)
{
    size_t              len;
    unsigned            i;
    const llm_field_t  *f;

    *field = NULL;
    len = strlen(name);

    for (i = 0; i < m->nfields; i++) {
        f = &m->fields[i];

        if (f->name.len != len || memcmp(f->name.data, name, len) != 0) {
            continue;
        }

        if (*field) {
            return LLM_DUPLICATE;
        }

        *field = f;
    }

    return *field ? LLM_OK : LLM_DECLINED;
}
