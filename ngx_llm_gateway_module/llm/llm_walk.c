
/*
 * A walk over JSON text that was scanned before.
 */


#include "llm_walk.h"
#include "llm_scan_skip.h"


static void llm_walk_value(llm_walk_t *w, llm_str_t *value);
static const unsigned char *llm_walk_string(const unsigned char *p,
    const unsigned char *end);


void
llm_walk_text(llm_walk_t *w, const unsigned char *data, size_t len)
{
    w->p = data;
    w->end = data + len;
}


void
llm_walk_open(llm_walk_t *w, const llm_str_t *text)
{
    w->p = text->data + 1;
    w->end = text->data + text->len - 1;
}


int
llm_walk_member(llm_walk_t *w, llm_str_t *name, llm_str_t *value)
{
    return llm_walk_element(w, name) && llm_walk_element(w, value);
}


int
llm_walk_element(llm_walk_t *w, llm_str_t *value)
{
    w->p = llm_walk_between(w->p, w->end);

    if (w->p == w->end) {
        return 0;
    }

    llm_walk_value(w, value);

    return value->len != 0;
}


static void
llm_walk_value(llm_walk_t *w, llm_str_t *value)
{
    size_t                depth;
    const unsigned char  *p;

    p = w->p;
    depth = 0;

    do {
        switch (*p) {

        case '"':
            p = llm_walk_string(p, w->end);
            break;

        case '{':
        case '[':
            depth++;
            p++;
            break;

        case '}':
        case ']':

            if (depth == 0) {
                break;
            }

            depth--;
            p++;
            break;

        default:

            if (depth) {
                p++;
                break;
            }

            /* a number or a word: as far as it goes */

            while (p < w->end && *p > ' ' && *p != ',' && *p != '}'
                   && *p != ']')
            {
                p++;
            }
        }

    } while (depth && p < w->end);

    value->data = (unsigned char *) w->p;
    value->len = p - w->p;

    w->p = p;
}


static const unsigned char *
llm_walk_string(const unsigned char *p, const unsigned char *end)
{
    for (p++; p < end; p++) {
        p = llm_scan_skip(p, end);

        if (p == end) {
            break;
        }

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\') {
            p++;
        }
    }

    return end;
}
