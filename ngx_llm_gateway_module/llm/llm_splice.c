
/*
 * Edits of a top-level object.  Commas are the care: a run of dropped members
 * takes the comma behind it, or before it if nothing is kept behind, and new
 * members go behind the last that is kept.
 */


#include "llm_splice.h"


typedef enum {
    LLM_SPLICE_SET = 0,
    LLM_SPLICE_FILL,
    LLM_SPLICE_DROP
} llm_splice_e;


typedef struct {
    llm_splice_e          type;
    llm_str_t             name;
    llm_str_t             json;
    const llm_member_t   *member;     /* NULL if the object has none */
} llm_splice_op_t;


struct llm_splice_s {
    llm_arena_t          *arena;
    const llm_member_t   *members;
    unsigned              nmembers;
    size_t                close;
    llm_splice_op_t      *ops;        /* no two of one name */
    unsigned              nops;
    unsigned              aops;
};


static int llm_splice_add(llm_splice_t *s, llm_splice_e type,
    const llm_str_t *name, const llm_str_t *json);
static llm_splice_op_t *llm_splice_push(llm_splice_t *s);
static const llm_splice_op_t *llm_splice_op(const llm_splice_t *s,
    const llm_member_t *member);
static int llm_splice_append(llm_splice_t *s, unsigned kept, llm_str_t *text);


llm_splice_t *
llm_splice_create(llm_arena_t *arena, const llm_member_t *members, unsigned n,
    size_t close)
{
    llm_splice_t  *s;

    s = llm_calloc(arena, sizeof(llm_splice_t));
    if (s == NULL) {
        return NULL;
    }

    s->arena = arena;
    s->members = members;
    s->nmembers = n;
    s->close = close;

    return s;
}


int
llm_splice_set(llm_splice_t *s, const llm_str_t *name, const llm_str_t *json)
{
    return llm_splice_add(s, LLM_SPLICE_SET, name, json);
}


int
llm_splice_fill(llm_splice_t *s, const llm_str_t *name, const llm_str_t *json)
{
    return llm_splice_add(s, LLM_SPLICE_FILL, name, json);
}


int
llm_splice_drop(llm_splice_t *s, const llm_str_t *name)
{
    static const llm_str_t  none = llm_string("");

    return llm_splice_add(s, LLM_SPLICE_DROP, name, &none);
}


static int
llm_splice_add(llm_splice_t *s, llm_splice_e type, const llm_str_t *name,
    const llm_str_t *json)
{
    unsigned             i;
    llm_splice_op_t     *op;
    const llm_member_t  *m;

    for (i = 0; i < s->nops; i++) {
        op = &s->ops[i];

        if (op->name.len == name->len
            && memcmp(op->name.data, name->data, name->len) == 0)
        {
            op->type = type;
            op->json = *json;

            return LLM_OK;
        }
    }

    op = llm_splice_push(s);
    if (op == NULL) {
        return LLM_NOMEM;
    }

    op->type = type;
    op->name = *name;
    op->json = *json;
    op->member = NULL;

    for (i = 0; i < s->nmembers; i++) {
        m = &s->members[i];

        if (m->name.len == name->len
            && memcmp(m->name.data, name->data, name->len) == 0)
        {
            op->member = m;
            break;
        }
    }

    return LLM_OK;
}


static llm_splice_op_t *
llm_splice_push(llm_splice_t *s)
{
    unsigned          n;
    llm_splice_op_t  *ops;

    if (s->nops == s->aops) {
        n = s->aops ? s->aops * 2 : 8;

        ops = llm_alloc(s->arena, n * sizeof(llm_splice_op_t));
        if (ops == NULL) {
            return NULL;
        }

        if (s->nops) {
            memcpy(ops, s->ops, s->nops * sizeof(llm_splice_op_t));
        }

        s->ops = ops;
        s->aops = n;
    }

    return &s->ops[s->nops++];
}


int
llm_splice_finish(llm_splice_t *s, llm_edit_t **edits, unsigned *n,
    int64_t *delta)
{
    size_t                  drop;
    unsigned                i, kept, dropping;
    llm_edit_t             *e, *first;
    const llm_member_t     *m;
    const llm_splice_op_t  *op;

    /* each member makes one edit at most, and what is new one more */

    first = llm_alloc(s->arena, (s->nmembers + 1) * sizeof(llm_edit_t));
    if (first == NULL) {
        return LLM_NOMEM;
    }

    e = first;
    kept = 0;
    drop = 0;
    dropping = 0;

    for (i = 0; i < s->nmembers; i++) {
        m = &s->members[i];
        op = llm_splice_op(s, m);

        if (op && op->type == LLM_SPLICE_DROP) {

            if (!dropping) {
                drop = m->name_start;
                dropping = 1;
            }

            continue;
        }

        if (dropping) {
            e->start = drop;
            e->end = m->name_start;
            e->text.len = 0;
            e->text.data = NULL;
            e++;

            dropping = 0;
        }

        if (op && op->type == LLM_SPLICE_SET) {
            e->start = m->start;
            e->end = m->end;
            e->text = op->json;
            e++;
        }

        kept = i + 1;
    }

    /* behind the last that is kept: what is dropped there, what is new */

    if (kept) {
        e->start = s->members[kept - 1].end;

    } else {
        e->start = s->nmembers ? s->members[0].name_start : s->close;
    }

    e->end = dropping ? s->members[s->nmembers - 1].end : e->start;

    if (llm_splice_append(s, kept, &e->text) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (e->end > e->start || e->text.len) {
        e++;
    }

    *edits = first;
    *n = (unsigned) (e - first);
    *delta = 0;

    for ( /* void */ ; first < e; first++) {
        *delta += (int64_t) first->text.len
                  - (int64_t) (first->end - first->start);
    }

    return LLM_OK;
}


static const llm_splice_op_t *
llm_splice_op(const llm_splice_t *s, const llm_member_t *member)
{
    unsigned  i;

    for (i = 0; i < s->nops; i++) {
        if (s->ops[i].member == member) {
            return &s->ops[i];
        }
    }

    return NULL;
}


/* the text of all members that are new */

static int
llm_splice_append(llm_splice_t *s, unsigned kept, llm_str_t *text)
{
    unsigned          i, comma;
    llm_buf_t         b;
    llm_splice_op_t  *op;

    llm_buf_init(&b, s->arena);

    comma = (kept != 0);

    for (i = 0; i < s->nops; i++) {
        op = &s->ops[i];

        if (op->member || op->type == LLM_SPLICE_DROP) {
            continue;
        }

        if (comma) {
            llm_buf_puts(&b, ",");
        }

        llm_buf_json(&b, op->name.data, op->name.len);
        llm_buf_puts(&b, ":");
        llm_buf_add(&b, op->json.data, op->json.len);

        comma = 1;
    }

    text->len = b.len;
    text->data = b.data;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


void
llm_splice_print(llm_buf_t *b, const llm_str_t *text, const llm_edit_t *edits,
    unsigned n)
{
    size_t  pos;

    pos = 0;

    for ( /* void */ ; n; n--, edits++) {
        llm_buf_add(b, text->data + pos, edits->start - pos);
        llm_buf_add(b, edits->text.data, edits->text.len);

        pos = edits->end;
    }

    llm_buf_add(b, text->data + pos, text->len - pos);
}
