
/*
 * A catalogue of prices: look-up, and prices laid over by hand.
 */


#include "llm_price_state.h"


#define LLM_PRICES_BUCKETS  64        /* at first; a power of two */
#define LLM_PRICES_NAME     512       /* longer names are not looked for */


/* fields of the directive "price"; those of tokens are for a million */

typedef struct {
    llm_str_t         name;
    int               exp10;
    llm_price_e       kind;
} llm_price_word_t;


typedef struct {
    unsigned char     data[LLM_PRICES_NAME];
    size_t            len;
    unsigned          overflow:1;
} llm_price_key_t;


static int llm_prices_grow(llm_prices_t *prices);
static uint64_t llm_prices_hash(const llm_str_t *name);
static const llm_price_t *llm_prices_image_under(const llm_prices_t *prices,
    const llm_str_t *prefix, const llm_str_t *model, const llm_str_t *size,
    const llm_str_t *quality);
static void llm_price_key_add(llm_price_key_t *key, const llm_str_t *part);
static const llm_price_t *llm_price_key_find(const llm_prices_t *prices,
    const llm_price_key_t *key);


static const llm_price_word_t  llm_price_words[] = {
    { llm_string("input"),          -6, LLM_PRICE_INPUT },
    { llm_string("cached_input"),   -6, LLM_PRICE_CACHE_READ },
    { llm_string("cache_write"),    -6, LLM_PRICE_CACHE_WRITE },
    { llm_string("cache_write_1h"), -6, LLM_PRICE_CACHE_WRITE_1H },
    { llm_string("output"),         -6, LLM_PRICE_OUTPUT },
    { llm_string("reasoning"),      -6, LLM_PRICE_REASONING },
    { llm_string("audio_input"),    -6, LLM_PRICE_INPUT_AUDIO },
    { llm_string("audio_output"),   -6, LLM_PRICE_OUTPUT_AUDIO },
    { llm_string("image_input"),    -6, LLM_PRICE_INPUT_IMAGE },
    { llm_string("image_output"),   -6, LLM_PRICE_OUTPUT_IMAGE },
    { llm_string("image"),           0, LLM_PRICE_IMAGE_OUT },
    { llm_string("video_second"),    0, LLM_PRICE_VIDEO_SECOND },
    { llm_string("audio_second"),    0, LLM_PRICE_AUDIO_SECOND },
    { llm_string("character"),       0, LLM_PRICE_CHARACTER_IN },
    { llm_string("search"),          0, LLM_PRICE_SEARCH },
    { llm_string("request"),         0, LLM_PRICE_REQUEST },
    { { 0, NULL },                   0, LLM_PRICE_N }
};

#define LLM_PRICE_WORDS                                                       \
    (sizeof(llm_price_words) / sizeof(llm_price_words[0]) - 1)


static const llm_str_t  llm_price_inline_version = llm_string("inline");
static const llm_str_t  llm_price_standard = llm_string("standard");


llm_prices_t *
llm_prices_create(llm_arena_t *arena)
{
    llm_prices_t  *prices;

    prices = llm_calloc(arena, sizeof(llm_prices_t));
    if (prices == NULL) {
        return NULL;
    }

    prices->arena = arena;
    prices->mask = LLM_PRICES_BUCKETS - 1;

    prices->buckets = llm_calloc(arena, LLM_PRICES_BUCKETS
                                        * sizeof(llm_price_t *));
    if (prices->buckets == NULL) {
        return NULL;
    }

    return prices;
}


llm_price_t *
llm_prices_get(const llm_prices_t *prices, const llm_str_t *name)
{
    llm_price_t  *price;

    price = prices->buckets[llm_prices_hash(name) & prices->mask];

    for ( /* void */ ; price; price = price->next) {

        if (price->name.len == name->len
            && memcmp(price->name.data, name->data, name->len) == 0)
        {
            return price;
        }
    }

    return NULL;
}


llm_price_t *
llm_prices_insert(llm_prices_t *prices, const llm_str_t *name)
{
    size_t        i, start;
    llm_str_t     part;
    llm_price_t  *price, **bucket;

    if (prices->n > prices->mask && llm_prices_grow(prices) != LLM_OK) {
        return NULL;
    }

    price = llm_calloc(prices->arena, sizeof(llm_price_t));
    if (price == NULL) {
        return NULL;
    }

    if (llm_str_dup(prices->arena, &price->name, name->data, name->len)
        != LLM_OK)
    {
        return NULL;
    }

    price->max_input = -1;
    price->max_output = -1;

    /* a size in the name is one of its parts */

    for (start = 0, i = 0; i < name->len && price->pixels == 0; i++) {

        if (name->data[i] == '/') {
            part.data = name->data + start;
            part.len = i - start;
            start = i + 1;

            price->pixels = llm_price_pixels(&part);
        }
    }

    bucket = &prices->buckets[llm_prices_hash(name) & prices->mask];

    price->next = *bucket;
    *bucket = price;

    prices->n++;

    return price;
}


static int
llm_prices_grow(llm_prices_t *prices)
{
    size_t         i, mask;
    llm_price_t   *price, *next, **buckets, **bucket;

    mask = prices->mask * 2 + 1;

    buckets = llm_calloc(prices->arena, (mask + 1) * sizeof(llm_price_t *));
    if (buckets == NULL) {
        return LLM_NOMEM;
    }

    for (i = 0; i <= prices->mask; i++) {

        for (price = prices->buckets[i]; price; price = next) {
            next = price->next;

            bucket = &buckets[llm_prices_hash(&price->name) & mask];

            price->next = *bucket;
            *bucket = price;
        }
    }

    prices->buckets = buckets;
    prices->mask = mask;

    return LLM_OK;
}


/* FNV-1a: names come from the operator's files */

static uint64_t
llm_prices_hash(const llm_str_t *name)
{
    size_t    i;
    uint64_t  hash;

    hash = 14695981039346656037ULL;

    for (i = 0; i < name->len; i++) {
        hash = (hash ^ name->data[i]) * 1099511628211ULL;
    }

    return hash ^ (hash >> 32);
}


const llm_price_t *
llm_prices_find(const llm_prices_t *prices, const llm_str_t *prefixes,
    unsigned nprefixes, const llm_str_t *model, const llm_str_t *public_name)
{
    unsigned            i;
    llm_price_key_t     key;
    const llm_price_t  *price;

    if (model->len) {

        for (i = 0; i < nprefixes; i++) {

            if (prefixes[i].len == 0) {
                continue;
            }

            key.len = 0;
            key.overflow = 0;

            llm_price_key_add(&key, &prefixes[i]);
            llm_price_key_add(&key, model);

            price = llm_price_key_find(prices, &key);
            if (price) {
                return price;
            }
        }

        price = llm_prices_get(prices, model);
        if (price && price->nrates) {
            return price;
        }
    }

    if (public_name->len) {
        price = llm_prices_get(prices, public_name);
        if (price && price->nrates) {
            return price;
        }
    }

    return NULL;
}


const llm_price_t *
llm_prices_image(const llm_prices_t *prices, const llm_str_t *prefixes,
    unsigned nprefixes, const llm_str_t *model, const llm_str_t *size,
    const llm_str_t *quality)
{
    size_t              i;
    unsigned            n;
    llm_str_t           shape;
    llm_price_key_t     key;
    const llm_price_t  *price;

    if (model->len == 0 || llm_price_pixels(size) == 0) {
        return NULL;
    }

    /* "1024x1024" as the catalogue has it */

    key.len = 0;

    for (i = 0; i < size->len; i++) {

        if (size->data[i] == '-') {
            continue;
        }

        if (size->data[i] == 'x') {
            memcpy(key.data + key.len, "-x-", 3);
            key.len += 3;

        } else {
            key.data[key.len++] = size->data[i];
        }

        if (key.len > 32) {
            return NULL;
        }
    }

    shape.data = key.data;
    shape.len = key.len;

    for (n = 0; n < nprefixes; n++) {

        if (prefixes[n].len == 0) {
            continue;
        }

        price = llm_prices_image_under(prices, &prefixes[n], model, &shape,
                                       quality);
        if (price) {
            return price;
        }
    }

    return llm_prices_image_under(prices, NULL, model, &shape, quality);
}


static const llm_price_t *
llm_prices_image_under(const llm_prices_t *prices, const llm_str_t *prefix,
    const llm_str_t *model, const llm_str_t *size, const llm_str_t *quality)
{
    unsigned            i;
    llm_price_key_t     key;
    const llm_str_t    *tried[3];
    const llm_price_t  *price;

    tried[0] = quality->len ? quality : NULL;
    tried[1] = NULL;
    tried[2] = quality->len ? NULL : &llm_price_standard;

    for (i = quality->len ? 0 : 1; i < 3; i++) {

        key.len = 0;
        key.overflow = 0;

        if (prefix) {
            llm_price_key_add(&key, prefix);
        }

        if (tried[i]) {
            llm_price_key_add(&key, tried[i]);
        }

        llm_price_key_add(&key, size);
        llm_price_key_add(&key, model);

        price = llm_price_key_find(prices, &key);
        if (price) {
            return price;
        }
    }

    return NULL;
}


static void
llm_price_key_add(llm_price_key_t *key, const llm_str_t *part)
{
    if (part->len >= LLM_PRICES_NAME - key->len) {
        key->overflow = 1;
        return;
    }

    if (key->len) {
        key->data[key->len++] = '/';
    }

    memcpy(key->data + key->len, part->data, part->len);
    key->len += part->len;
}


/* entries that have no price are as good as none */

static const llm_price_t *
llm_price_key_find(const llm_prices_t *prices, const llm_price_key_t *key)
{
    llm_str_t           name;
    const llm_price_t  *price;

    if (key->overflow) {
        return NULL;
    }

    name.data = (unsigned char *) key->data;
    name.len = key->len;

    price = llm_prices_get(prices, &name);

    return (price && price->nrates) ? price : NULL;
}


llm_str_t
llm_price_version(const llm_price_t *price)
{
    return price->version;
}


int64_t
llm_price_max_output(const llm_price_t *price)
{
    return price->max_output;
}


int64_t
llm_price_max_input(const llm_price_t *price)
{
    return price->max_input;
}


llm_price_t *
llm_price_inline(llm_arena_t *arena, const llm_price_t *base)
{
    unsigned      n;
    llm_price_t  *price;

    price = llm_calloc(arena, sizeof(llm_price_t));
    if (price == NULL) {
        return NULL;
    }

    n = 0;

    if (base) {
        *price = *base;
        n = base->nrates;

    } else {
        price->max_input = -1;
        price->max_output = -1;
    }

    price->next = NULL;
    price->version = llm_price_inline_version;

    /* each field that llm_price_set() knows may be added once */

    price->rates = llm_alloc(arena,
                             (n + LLM_PRICE_WORDS) * sizeof(llm_rate_t));
    if (price->rates == NULL) {
        return NULL;
    }

    if (n) {
        memcpy(price->rates, base->rates, n * sizeof(llm_rate_t));
    }

    return price;
}


int
llm_price_set(llm_price_t *price, const llm_str_t *field,
    const llm_str_t *usd)
{
    int                      rc;
    int64_t                  femto;
    unsigned                 i, n;
    llm_rate_t              *rate;
    const llm_price_word_t  *word;

    for (word = llm_price_words; word->name.len; word++) {

        if (word->name.len == field->len
            && memcmp(word->name.data, field->data, field->len) == 0)
        {
            break;
        }
    }

    if (word->name.len == 0) {
        return LLM_DECLINED;
    }

    rc = llm_price_parse(usd, word->exp10, &femto);
    if (rc != LLM_OK) {
        return rc;
    }

    /* one price for all: those of tiers and of long prompts go */

    n = 0;

    for (i = 0; i < price->nrates; i++) {

        if (price->rates[i].kind != word->kind) {
            price->rates[n++] = price->rates[i];
        }
    }

    rate = &price->rates[n];

    memset(rate, 0, sizeof(llm_rate_t));

    rate->femto = femto;
    rate->kind = (uint8_t) word->kind;

    price->nrates = n + 1;

    return LLM_OK;
}
