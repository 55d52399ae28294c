
/*
 * A catalogue, laid over a small one, and everything that is asked of it;
 * the same bytes as decimal text.
 */


#include "llm_price.h"

#include <stdlib.h>


#define check(cond)  do { if (!(cond)) { abort(); } } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  base[] =
    "{\"m\":{\"input_cost_per_token\":1e-06,\"output_cost_per_token\":2e-06,"
    "\"tiered_pricing\":[{\"range\":[0,10],\"input_cost_per_token\":1}]}}";


static void
decimal(llm_arena_t *arena, const uint8_t *data, size_t size)
{
    int        rc;
    int64_t    n, again;
    llm_buf_t  b;
    llm_str_t  text;

    text.data = (unsigned char *) data;
    text.len = size;
    n = -1;

    rc = llm_price_parse(&text, -6, &n);

    if (rc != LLM_OK) {
        check(rc == LLM_INVALID || rc == LLM_LIMIT);
        return;
    }

    check(n >= 0);

    /* printed as nano-dollars and read as such it is the same number */

    llm_buf_init(&b, arena);
    llm_price_print(n, &b);
    check(!b.failed);

    text.data = b.data;
    text.len = b.len;

    rc = llm_price_parse(&text, -6, &again);
    check((rc == LLM_OK && again == n) || rc == LLM_LIMIT);
}


static void
ask(llm_prices_t *prices, const char *name, const uint8_t *data, size_t size)
{
    int                 rc;
    size_t              i;
    int64_t             nano;
    llm_str_t           model, none;
    llm_usage_t         usage;
    llm_price_how_t     how;
    const llm_price_t  *p;

    model.data = (unsigned char *) name;
    model.len = strlen(name);
    none.data = NULL;
    none.len = 0;

    memset(&how, 0, sizeof(llm_price_how_t));
    memset(&usage, 0, sizeof(llm_usage_t));

    for (i = 0; i < LLM_USAGE_N; i++) {
        llm_usage_set(&usage, (llm_usage_e) i,
                      size ? (int64_t) data[i % size] << (i * 3 % 48) : 1);
    }

    how.size.data = (unsigned char *) "1024x1792";
    how.size.len = 9;

    p = llm_prices_image(prices, &none, 1, &model, &how.size, &none);

    if (p == NULL) {
        p = llm_prices_find(prices, &none, 1, &model, &none);
    }

    if (p == NULL) {
        return;
    }

    rc = llm_price_cost(p, &usage, &how, &nano);
    check(rc == LLM_OK || rc == LLM_DECLINED || rc == LLM_LIMIT);
    check(rc != LLM_OK || nano >= 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int            rc;
    llm_str_t      version, err;
    llm_arena_t   *arena;
    llm_prices_t  *prices;

    arena = llm_arena_create(16 * 1024 * 1024);
    check(arena != NULL);

    decimal(arena, data, size);

    version.data = (unsigned char *) "0123456789ab";
    version.len = 12;

    prices = llm_prices_create(arena);
    check(prices != NULL);

    rc = llm_prices_load(prices, (const unsigned char *) base,
                         sizeof(base) - 1, &version, &err);
    check(rc == LLM_OK);

    rc = llm_prices_load(prices, data, size, &version, &err);

    if (rc == LLM_OK) {
        ask(prices, "m", data, size);
        ask(prices, "a", data, size);

    } else {
        check(rc == LLM_NOMEM || err.len);
    }

    llm_arena_free(arena);

    return 0;
}
