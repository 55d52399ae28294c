
/*
 * A catalogue from its text.
 */


#include "llm_price_state.h"
#include "llm_scan.h"
#include "llm_walk.h"


#define LLM_PRICE_MAX_NAME  256


/* one entry while it is read */

typedef struct {
    llm_prices_t         *prices;
    llm_str_t             name;
    llm_str_t             field;
    llm_str_t            *err;

    llm_rate_t            rates[LLM_PRICE_MAX_RATES];
    unsigned              nrates;
    int64_t               max_input;      /* -1: not told */
    int64_t               max_output;
    unsigned              tiered:1;       /* tiered_pricing is there */
    unsigned              mode:1;
    unsigned              sees:1;
} llm_price_load_t;


static int llm_price_load_entry(llm_price_load_t *l, const llm_str_t *text,
    const llm_str_t *version);
static int llm_price_load_field(llm_price_load_t *l, const llm_str_t *value);
static int llm_price_load_search(llm_price_load_t *l, const llm_str_t *value);
static int llm_price_load_tiers(llm_price_load_t *l, const llm_str_t *value);
static int llm_price_load_row(llm_price_load_t *l, const llm_str_t *row);
static int llm_price_load_rate(llm_price_load_t *l, const llm_rate_t *rate,
    const llm_str_t *value);
static int llm_price_load_count(llm_price_load_t *l, const llm_str_t *value,
    int64_t *n);
static int llm_price_load_merge(llm_price_load_t *l, llm_price_t *price);
static int llm_price_error(llm_price_load_t *l, int rc, const char *what);
static int llm_price_name(llm_arena_t *arena, llm_str_t *name);


int
llm_prices_load(llm_prices_t *prices, const unsigned char *data, size_t len,
    const llm_str_t *version, llm_str_t *err)
{
    int               rc;
    llm_buf_t         b;
    llm_str_t         text, mark, value;
    llm_walk_t        w;
    llm_scan_t       *s;
    llm_price_load_t  l;

    err->len = 0;
    err->data = (unsigned char *) "";

    s = llm_scan_create(prices->arena, NULL, 0, 0);
    if (s == NULL) {
        return LLM_NOMEM;
    }

    rc = llm_scan_feed(s, data, len);

    if (rc == LLM_OK) {
        rc = llm_scan_end(s);
    }

    if (rc != LLM_OK) {
        if (rc == LLM_NOMEM) {
            return LLM_NOMEM;
        }

        llm_buf_init(&b, prices->arena);
        llm_buf_puts(&b, "invalid JSON at byte ");
        llm_buf_int(&b, (int64_t) llm_scan_offset(s));
        llm_buf_puts(&b, ": ");
        llm_buf_puts(&b, llm_scan_error(s));

        err->len = b.len;
        err->data = b.data;

        return b.failed ? LLM_NOMEM : rc;
    }

    /* from here on the text is known to be well-formed */

    memset(&l, 0, sizeof(llm_price_load_t));

    l.prices = prices;
    l.err = err;

    llm_walk_text(&w, data, len);
    (void) llm_walk_element(&w, &text);

    if (text.data[0] != '{') {
        return llm_price_error(&l, LLM_INVALID, "an object is expected");
    }

    if (llm_str_dup(prices->arena, &mark, version->data, version->len)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    prices->files++;

    llm_walk_open(&w, &text);

    while (llm_walk_member(&w, &l.name, &value)) {

        rc = llm_price_name(prices->arena, &l.name);
        if (rc != LLM_OK) {
            return llm_price_error(&l, rc, "invalid name of an entry");
        }

        /* a description of the format, and rules for names to guess by */

        if (llm_str_is(&l.name, "sample_spec")
            || llm_str_is(&l.name, "fallback_generalizations"))
        {
            continue;
        }

        rc = llm_price_load_entry(&l, &value, &mark);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_price_load_entry(llm_price_load_t *l, const llm_str_t *text,
    const llm_str_t *version)
{
    int           rc;
    llm_str_t     value;
    llm_walk_t    w;
    llm_price_t  *price;

    l->field.len = 0;

    if (l->name.len > LLM_PRICE_MAX_NAME) {
        return llm_price_error(l, LLM_LIMIT, "the name is too long");
    }

    if (text->data[0] != '{') {
        return llm_price_error(l, LLM_INVALID, "an object is expected");
    }

    l->nrates = 0;
    l->max_input = -1;
    l->max_output = -1;
    l->tiered = 0;
    l->mode = 0;
    l->sees = 0;

    llm_walk_open(&w, text);

    while (llm_walk_member(&w, &l->field, &value)) {

        rc = llm_price_name(l->prices->arena, &l->field);
        if (rc != LLM_OK) {
            return llm_price_error(l, rc, "invalid name of a field");
        }

        rc = llm_price_load_field(l, &value);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    l->field.len = 0;

    price = llm_prices_get(l->prices, &l->name);

    if (price == NULL) {
        price = llm_prices_insert(l->prices, &l->name);

        if (price == NULL) {
            return LLM_NOMEM;
        }
    }

    if (price->file == l->prices->files) {
        return llm_price_error(l, LLM_INVALID, "the entry is there twice");
    }

    price->file = l->prices->files;

    if (l->max_input != -1) {
        price->max_input = l->max_input;
    }

    if (l->max_output != -1) {
        price->max_output = l->max_output;
    }

    if (l->mode) {
        price->sees = l->sees;
    }

    if (l->nrates) {
        price->version = *version;
    }

    return llm_price_load_merge(l, price);
}


static int
llm_price_load_field(llm_price_load_t *l, const llm_str_t *value)
{
    llm_str_t   mode;
    llm_rate_t  rate;

    if (llm_str_is(value, "null")) {
        return LLM_OK;
    }

    if (llm_price_field(&l->field, &rate) == LLM_OK) {

        if (rate.kind == LLM_PRICE_SEARCH && value->data[0] == '{') {
            return llm_price_load_search(l, value);
        }

        return llm_price_load_rate(l, &rate, value);
    }

    if (llm_str_is(&l->field, "tiered_pricing")) {
        return llm_price_load_tiers(l, value);
    }

    if (llm_str_is(&l->field, "max_input_tokens")) {
        return llm_price_load_count(l, value, &l->max_input);
    }

    if (llm_str_is(&l->field, "max_output_tokens")) {
        return llm_price_load_count(l, value, &l->max_output);
    }

    if (llm_str_is(&l->field, "mode")) {

        if (value->data[0] != '"') {
            return llm_price_error(l, LLM_INVALID, "a string is expected");
        }

        mode.data = value->data + 1;
        mode.len = value->len - 2;

        l->mode = 1;
        l->sees = (mode.len < 6 || memcmp(mode.data, "image_", 6) != 0);
    }

    return LLM_OK;
}


/* by size of the context searched; requests without a size get the medium */

static int
llm_price_load_search(llm_price_load_t *l, const llm_str_t *value)
{
    llm_str_t   name, price;
    llm_walk_t  w;
    llm_rate_t  rate;

    memset(&rate, 0, sizeof(llm_rate_t));
    rate.kind = LLM_PRICE_SEARCH;

    llm_walk_open(&w, value);

    while (llm_walk_member(&w, &name, &price)) {

        if (llm_str_is(&name, "\"search_context_size_medium\"")) {
            return llm_price_load_rate(l, &rate, &price);
        }
    }

    return LLM_OK;
}


static int
llm_price_load_tiers(llm_price_load_t *l, const llm_str_t *value)
{
    int         rc;
    llm_str_t   row;
    llm_walk_t  w;

    if (value->data[0] != '[') {
        return llm_price_error(l, LLM_INVALID, "an array is expected");
    }

    l->tiered = 1;

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &row)) {

        if (row.data[0] != '{') {
            return llm_price_error(l, LLM_INVALID,
                                   "an array of objects is expected");
        }

        rc = llm_price_load_row(l, &row);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


/*
 * A row holds from its lower bound up to the next row's: its upper bound says
 * nothing more.  Rows by something else than tokens are left out.
 */

static int
llm_price_load_row(llm_price_load_t *l, const llm_str_t *row)
{
    int         rc;
    int64_t     from;
    llm_str_t   name, value, low, field;
    llm_walk_t  w, range;
    llm_rate_t  rate;

    from = -1;

    llm_walk_open(&w, row);

    while (llm_walk_member(&w, &name, &value)) {

        if (!llm_str_is(&name, "\"range\"")) {
            continue;
        }

        if (value.data[0] != '[') {
            return llm_price_error(l, LLM_INVALID,
                                   "\"range\" must be an array");
        }

        llm_walk_open(&range, &value);

        if (!llm_walk_element(&range, &low)) {
            return llm_price_error(l, LLM_INVALID, "\"range\" is empty");
        }

        rc = llm_price_load_count(l, &low, &from);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (from == -1) {
        return LLM_OK;
    }

    llm_walk_open(&w, row);

    while (llm_walk_member(&w, &name, &value)) {

        field.data = name.data + 1;
        field.len = name.len - 2;

        if (llm_price_field(&field, &rate) != LLM_OK || rate.above) {
            continue;
        }

        rate.above = from;
        rate.ranged = 1;

        rc = llm_price_load_rate(l, &rate, &value);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


static int
llm_price_load_rate(llm_price_load_t *l, const llm_rate_t *rate,
    const llm_str_t *value)
{
    int          rc;
    unsigned     i;
    llm_rate_t  *r;

    for (i = 0; i < l->nrates; i++) {
        r = &l->rates[i];

        if (r->kind == rate->kind && r->tier == rate->tier
            && r->above == rate->above && r->ranged == rate->ranged)
        {
            return llm_price_error(l, LLM_INVALID, "the price is there twice");
        }
    }

    if (l->nrates == LLM_PRICE_MAX_RATES) {
        return llm_price_error(l, LLM_LIMIT, "too many prices");
    }

    r = &l->rates[l->nrates];
    *r = *rate;

    rc = llm_price_parse(value, 0, &r->femto);

    if (rc == LLM_LIMIT) {
        return llm_price_error(l, rc, "the price is too high");
    }

    if (rc != LLM_OK) {
        return llm_price_error(l, rc, "a number, not negative, is expected");
    }

    l->nrates++;

    return LLM_OK;
}


/* counts of tokens are written as floats here and there */

static int
llm_price_load_count(llm_price_load_t *l, const llm_str_t *value, int64_t *n)
{
    if (llm_price_parse(value, -15, n) != LLM_OK || *n > LLM_USAGE_MAX) {
        return llm_price_error(l, LLM_INVALID,
                               "a number of tokens is expected");
    }

    return LLM_OK;
}


/*
 * Lays the prices just read over those of earlier files.  A plain price, being
 * newer, also ends rows of tiered_pricing for the same thing.
 */

static int
llm_price_load_merge(llm_price_load_t *l, llm_price_t *price)
{
    unsigned     i, k, n, keep;
    llm_rate_t  *rates, *old, *r;

    if (l->nrates == 0 && !(l->tiered && price->nrates)) {
        return LLM_OK;
    }

    rates = llm_alloc(l->prices->arena,
                      (l->nrates + price->nrates) * sizeof(llm_rate_t));
    if (rates == NULL) {
        return LLM_NOMEM;
    }

    n = 0;

    for (i = 0; i < price->nrates; i++) {
        old = &price->rates[i];
        keep = !(l->tiered && old->ranged);

        for (k = 0; keep && k < l->nrates; k++) {
            r = &l->rates[k];

            if (r->kind == old->kind && r->tier == old->tier
                && ((r->above == old->above && r->ranged == old->ranged)
                    || (old->ranged && !r->ranged)))
            {
                keep = 0;
            }
        }

        if (keep) {
            rates[n++] = *old;
        }
    }

    if (n + l->nrates > LLM_PRICE_MAX_RATES) {
        return llm_price_error(l, LLM_LIMIT, "too many prices");
    }

    memcpy(rates + n, l->rates, l->nrates * sizeof(llm_rate_t));

    price->rates = rates;
    price->nrates = n + l->nrates;

    return LLM_OK;
}


static int
llm_price_error(llm_price_load_t *l, int rc, const char *what)
{
    llm_buf_t  b;

    if (rc == LLM_NOMEM) {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, l->prices->arena);

    if (l->name.len) {
        llm_buf_json(&b, l->name.data,
                     l->name.len < LLM_PRICE_MAX_NAME
                     ? l->name.len : LLM_PRICE_MAX_NAME);
        llm_buf_puts(&b, ": ");
    }

    if (l->field.len) {
        llm_buf_json(&b, l->field.data,
                     l->field.len < LLM_PRICE_MAX_NAME
                     ? l->field.len : LLM_PRICE_MAX_NAME);
        llm_buf_puts(&b, ": ");
    }

    llm_buf_puts(&b, what);

    if (b.failed) {
        return LLM_NOMEM;
    }

    l->err->len = b.len;
    l->err->data = b.data;

    return rc;
}


/* takes the quotes off; only names with escapes need memory */

static int
llm_price_name(llm_arena_t *arena, llm_str_t *name)
{
    llm_str_t  raw;

    raw = *name;

    if (memchr(raw.data, '\\', raw.len) == NULL) {
        name->data = raw.data + 1;
        name->len = raw.len - 2;

        return LLM_OK;
    }

    return llm_json_string(arena, &raw, name);
}
