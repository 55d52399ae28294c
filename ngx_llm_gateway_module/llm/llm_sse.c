
#include "llm_sse.h"


#define LLM_CR  '\r'
#define LLM_LF  '\n'


enum {
    LLM_SSE_START = 0,    /* of the stream: a byte order mark may follow */
    LLM_SSE_LINE,         /* of a line */
    LLM_SSE_FIELD,        /* in a field's name */
    LLM_SSE_DATA_SPACE,   /* behind "data:" */
    LLM_SSE_VALUE,        /* in a data line */
    LLM_SSE_NAME_SPACE,   /* behind "event:" */
    LLM_SSE_NAME,         /* in an event's name */
    LLM_SSE_SKIP          /* to the end of the line */
};


enum {
    LLM_ARRAY_START = 0,  /* of the text */
    LLM_ARRAY_FIRST,      /* behind the opening bracket */
    LLM_ARRAY_ITEM,       /* behind a comma */
    LLM_ARRAY_NEST,       /* in an object or array */
    LLM_ARRAY_STRING,     /* in a string of one, or in one that is the item */
    LLM_ARRAY_SCALAR,     /* in a number or literal */
    LLM_ARRAY_OVER,       /* the item is over but this was not told yet */
    LLM_ARRAY_NEXT,       /* a comma or the closing bracket is due */
    LLM_ARRAY_END
};


static const unsigned char *llm_sse_line(llm_sse_t *s,
    const unsigned char *p, const unsigned char *last, int *event);
static const unsigned char *llm_sse_field(llm_sse_t *s,
    const unsigned char *p, const unsigned char *last);
static const unsigned char *llm_sse_name_value(llm_sse_t *s,
    const unsigned char *p, const unsigned char *last);
static const unsigned char *llm_sse_eol(const unsigned char *p,
    const unsigned char *last);
static const unsigned char *llm_array_item(llm_array_t *s,
    const unsigned char *p, const unsigned char *last);


static const unsigned char  llm_sse_bom[] = { 0xef, 0xbb, 0xbf };


void
llm_sse_init(llm_sse_t *s)
{
    memset(s, 0, sizeof(llm_sse_t));
}


int
llm_sse_next(llm_sse_t *s, const unsigned char *data, size_t len,
    size_t *used, llm_str_t *piece)
{
    int                   event;
    const unsigned char  *p, *eol, *last;

    p = data;
    last = data + len;
    event = 0;

    if (s->over && len) {
        s->over = 0;
        s->bare = 0;
        s->lines = 0;
        s->name_len = 0;
    }

    while (p < last) {

        switch (s->state) {

        case LLM_SSE_START:

            if (*p == llm_sse_bom[s->bom]) {
                p++;
                s->bom++;

                if (s->bom == sizeof(llm_sse_bom)) {
                    s->state = LLM_SSE_LINE;
                }

                break;
            }

            /* half a mark is the name of a field that nobody knows */
            s->state = s->bom ? LLM_SSE_SKIP : LLM_SSE_LINE;
            break;

        case LLM_SSE_LINE:

            p = llm_sse_line(s, p, last, &event);

            if (event) {
                s->over = 1;
                *used = p - data;
                return LLM_SSE_EVENT;
            }

            break;

        case LLM_SSE_FIELD:

            p = llm_sse_field(s, p, last);
            break;

        case LLM_SSE_DATA_SPACE:

            s->state = LLM_SSE_VALUE;

            if (*p == ' ') {
                p++;
            }

            break;

        case LLM_SSE_VALUE:

            if (s->join) {
                s->join = 0;
                piece->data = (unsigned char *) "\n";
                piece->len = 1;
                *used = p - data;
                return LLM_SSE_DATA;
            }

            eol = llm_sse_eol(p, last);

            if (eol != p) {
                piece->data = (unsigned char *) p;
                piece->len = eol - p;
                *used = eol - data;
                return LLM_SSE_DATA;
            }

            s->lf = (*p++ == LLM_CR);
            s->state = LLM_SSE_LINE;
            break;

        case LLM_SSE_NAME_SPACE:

            s->state = LLM_SSE_NAME;

            if (*p == ' ') {
                p++;
            }

            break;

        case LLM_SSE_NAME:

            p = llm_sse_name_value(s, p, last);
            break;

        default: /* LLM_SSE_SKIP */

            p = llm_sse_eol(p, last);

            if (p < last) {
                s->lf = (*p++ == LLM_CR);
                s->state = LLM_SSE_LINE;
            }

            break;
        }
    }

    *used = len;

    return LLM_AGAIN;
}


/* opens a line of data; the state that follows is up to the caller */

static void
llm_sse_data(llm_sse_t *s)
{
    s->join = (s->lines > 0);
    s->lines++;
}


static const unsigned char *
llm_sse_line(llm_sse_t *s, const unsigned char *p, const unsigned char *last,
    int *event)
{
    unsigned char  ch;

    ch = *p;

    if (s->lf) {
        s->lf = 0;

        if (ch == LLM_LF) {
            return p + 1;
        }
    }

    if (ch == LLM_LF || ch == LLM_CR) {
        *event = 1;
        p++;

        if (ch == LLM_CR) {
            if (p == last) {
                s->lf = 1;

            } else if (*p == LLM_LF) {
                p++;
            }
        }

        return p;
    }

    if (s->bare) {
        llm_sse_data(s);
        s->state = LLM_SSE_VALUE;
        return p;
    }

    if (last - p >= 6 && memcmp(p, "data: ", 6) == 0) {
        llm_sse_data(s);
        s->state = LLM_SSE_VALUE;
        return p + 6;
    }

    if ((ch == '{' || ch == '[') && s->lines == 0) {
        s->bare = 1;
        llm_sse_data(s);
        s->state = LLM_SSE_VALUE;
        return p;
    }

    s->field_len = 0;
    s->state = LLM_SSE_FIELD;

    return p;
}


static const unsigned char *
llm_sse_field(llm_sse_t *s, const unsigned char *p, const unsigned char *last)
{
    int            data, name;
    unsigned char  ch;

    while (p < last) {
        ch = *p;

        if (ch != ':' && ch != LLM_LF && ch != LLM_CR) {

            if (s->field_len == sizeof(s->field)) {
                s->state = LLM_SSE_SKIP;
                return p;
            }

            s->field[s->field_len++] = ch;
            p++;
            continue;
        }

        data = (s->field_len == 4 && memcmp(s->field, "data", 4) == 0);
        name = (s->field_len == 5 && memcmp(s->field, "event", 5) == 0);

        /* the last of several names counts, and a line may take it back */

        if (name) {
            s->name_len = 0;
        }

        if (data) {
            llm_sse_data(s);
        }

        if (ch == ':') {
            s->state = data ? LLM_SSE_DATA_SPACE
                            : name ? LLM_SSE_NAME_SPACE : LLM_SSE_SKIP;
            return p + 1;
        }

        /* a field without colon has an empty value, which is left to join */

        s->state = data ? LLM_SSE_VALUE : LLM_SSE_SKIP;

        return p;
    }

    return p;
}


static const unsigned char *
llm_sse_name_value(llm_sse_t *s, const unsigned char *p,
    const unsigned char *last)
{
    size_t                n;
    const unsigned char  *eol;

    eol = llm_sse_eol(p, last);

    n = eol - p;

    if (n > (size_t) LLM_SSE_MAX_NAME - s->name_len) {
        n = LLM_SSE_MAX_NAME - s->name_len;
    }

    memcpy(s->name + s->name_len, p, n);
    s->name_len += n;

    if (eol < last) {
        s->lf = (*eol++ == LLM_CR);
        s->state = LLM_SSE_LINE;
    }

    return eol;
}


static const unsigned char *
llm_sse_eol(const unsigned char *p, const unsigned char *last)
{
    const unsigned char  *cr, *lf;

    lf = memchr(p, LLM_LF, last - p);

    if (lf == NULL) {
        lf = last;
    }

    cr = memchr(p, LLM_CR, lf - p);

    return cr ? cr : lf;
}


llm_str_t
llm_sse_name(const llm_sse_t *s)
{
    llm_str_t  name;

    name.data = (unsigned char *) s->name;
    name.len = s->name_len;

    return name;
}


void
llm_array_init(llm_array_t *s)
{
    memset(s, 0, sizeof(llm_array_t));
}


int
llm_array_next(llm_array_t *s, const unsigned char *data, size_t len,
    size_t *used, llm_str_t *piece)
{
    const unsigned char  *p, *end, *last;

    p = data;
    last = data + len;

    for ( ;; ) {

        if (s->state == LLM_ARRAY_OVER) {
            s->state = s->single ? LLM_ARRAY_END : LLM_ARRAY_NEXT;
            *used = p - data;
            return LLM_SSE_EVENT;
        }

        if (p == last) {
            break;
        }

        if (s->state >= LLM_ARRAY_NEST && s->state <= LLM_ARRAY_SCALAR) {
            end = llm_array_item(s, p, last);

            if (end == p) {
                /* a scalar whose last byte was in the piece before */
                continue;
            }

            piece->data = (unsigned char *) p;
            piece->len = end - p;
            *used = end - data;

            return LLM_SSE_DATA;
        }

        if (*p == ' ' || *p == '\t' || *p == LLM_LF || *p == LLM_CR) {
            p++;
            continue;
        }

        switch (s->state) {

        case LLM_ARRAY_NEXT:

            if (*p == ',') {
                s->state = LLM_ARRAY_ITEM;
                p++;
                continue;
            }

            if (*p == ']') {
                s->state = LLM_ARRAY_END;
                p++;
                continue;
            }

            break;

        case LLM_ARRAY_START:

            if (*p == '[') {
                s->state = LLM_ARRAY_FIRST;
                p++;
                continue;
            }

            s->single = 1;
            break;

        case LLM_ARRAY_FIRST:

            if (*p == ']') {
                s->state = LLM_ARRAY_END;
                p++;
                continue;
            }

            break;
        }

        if (s->state < LLM_ARRAY_NEST
            && *p != ',' && *p != ']' && *p != '}')
        {
            s->state = LLM_ARRAY_SCALAR;
            continue;
        }

        *used = p - data;

        return LLM_INVALID;
    }

    *used = len;

    return LLM_AGAIN;
}


/* what an item is shows with its first byte: until then it is a scalar */

static const unsigned char *
llm_array_item(llm_array_t *s, const unsigned char *p,
    const unsigned char *last)
{
    for ( /* void */ ; p < last; p++) {

        if (s->state == LLM_ARRAY_STRING) {

            if (s->escape) {
                s->escape = 0;

            } else if (*p == '\\') {
                s->escape = 1;

            } else if (*p == '"') {

                if (s->depth == 0) {
                    s->state = LLM_ARRAY_OVER;
                    return p + 1;
                }

                s->state = LLM_ARRAY_NEST;
            }

            continue;
        }

        switch (*p) {

        case '"':
            s->state = LLM_ARRAY_STRING;
            break;

        case '{':
        case '[':
            s->depth++;
            s->state = LLM_ARRAY_NEST;
            break;

        case '}':
        case ']':

            if (s->depth > 1) {
                s->depth--;
                break;
            }

            s->state = LLM_ARRAY_OVER;

            if (s->depth == 0) {
                /* behind a scalar it closes the array */
                return p;
            }

            s->depth = 0;

            return p + 1;

        case ',':
        case ' ':
        case '\t':
        case LLM_LF:
        case LLM_CR:

            if (s->depth == 0) {
                s->state = LLM_ARRAY_OVER;
                return p;
            }

            break;
        }
    }

    return p;
}


int
llm_array_complete(const llm_array_t *s)
{
    return s->state == LLM_ARRAY_END;
}
