
/*
 * Decimal text to integers, catalogues and what is laid over them, the entry
 * that is found, and exact sums.
 */


#include "unit.h"
#include "llm_price.h"


typedef struct {
    llm_usage_e  unit;
    int64_t      n;
} unit_t;


static llm_arena_t      *arena;
static llm_price_how_t   plain_how;


static llm_prices_t *
catalogue(const char *text)
{
    llm_str_t      version, err;
    llm_prices_t  *prices;

    version = unit_str("0123456789ab");
    prices = llm_prices_create(arena);

    if (llm_prices_load(prices, (const unsigned char *) text, strlen(text),
                        &version, &err)
        != LLM_OK)
    {
        printf("# %.*s\n", (int) err.len, (char *) err.data);
        return NULL;
    }

    return prices;
}


static const llm_price_t *
entry(const llm_prices_t *prices, const char *name)
{
    llm_str_t  model, none;

    model = unit_str(name);
    none = unit_str("");

    return llm_prices_find(prices, NULL, 0, &model, &none);
}


static int
cost_how(const llm_price_t *price, const llm_price_how_t *how,
    const unit_t *units, int64_t *nano)
{
    llm_usage_t  usage;

    memset(&usage, 0, sizeof(llm_usage_t));

    for ( /* void */ ; units->n >= 0; units++) {
        llm_usage_set(&usage, units->unit, units->n);
    }

    *nano = -1;

    return llm_price_cost(price, &usage, how, nano);
}


#define END  { LLM_USAGE_N, -1 }

/* units: a list in braces */

#define is_cost(price, want, name, ...)                                       \
    do {                                                                      \
        unit_t   units_[] = { __VA_ARGS__, END };                             \
        int64_t  nano_;                                                       \
        int      rc_ = cost_how(price, &plain_how, units_, &nano_);           \
        ok(rc_ == LLM_OK, "%s is known", name);                               \
        is_int(nano_, want, "%s", name);                                      \
    } while (0)

#define is_unknown(price, name, ...)                                          \
    do {                                                                      \
        unit_t   units_[] = { __VA_ARGS__, END };                             \
        int64_t  nano_;                                                       \
        is_int(cost_how(price, &plain_how, units_, &nano_), LLM_DECLINED,     \
               "%s is unknown", name);                                        \
    } while (0)

#define U(unit, n)  { LLM_USAGE_##unit, n }


static void
decimals(void)
{
    int        rc;
    int64_t    n;
    size_t     i;
    llm_str_t  s;

    static const struct {
        const char  *text;
        int          exp10;
        int          rc;
        int64_t      want;
    } cases[] = {
        { "0", 0, LLM_OK, 0 },
        { "0.0", 0, LLM_OK, 0 },
        { "1", 0, LLM_OK, 1000000000000000 },
        { "1e-06", 0, LLM_OK, 1000000000 },
        { "1E-6", 0, LLM_OK, 1000000000 },
        { "2.50", -6, LLM_OK, 2500000000 },
        { "1.25e-06", 0, LLM_OK, 1250000000 },
        { "0.00000125", 0, LLM_OK, 1250000000 },
        { "125e-8", 0, LLM_OK, 1250000000 },
        { "1.25e+2", 0, LLM_OK, 125000000000000000 },
        { "4e-16", 0, LLM_OK, 0 },
        { "4.99999999999999999999e-16", 0, LLM_OK, 0 },
        { "5e-16", 0, LLM_OK, 1 },
        { "1.4999e-15", 0, LLM_OK, 1 },
        { "1.5e-15", 0, LLM_OK, 2 },
        { "0.0000000000000005", 0, LLM_OK, 1 },
        { "9e-17", 0, LLM_OK, 0 },
        { "1e-99999", 0, LLM_OK, 0 },
        { "1e-99999999999999999999999", 0, LLM_OK, 0 },
        { "0e99999999999999999999999", 0, LLM_OK, 0 },
        { "9223.372036854775", 0, LLM_OK, 9223372036854775000 },
        { "256000.0", -15, LLM_OK, 256000 },
        { "9224", 0, LLM_LIMIT, 0 },
        { "9223372036854775808", -15, LLM_LIMIT, 0 },
        { "1e9999999999", 0, LLM_LIMIT, 0 },
        { "", 0, LLM_INVALID, 0 },
        { "-1", 0, LLM_INVALID, 0 },
        { "+1", 0, LLM_INVALID, 0 },
        { ".5", 0, LLM_INVALID, 0 },
        { "5.", 0, LLM_INVALID, 0 },
        { "01", 0, LLM_INVALID, 0 },
        { "1e", 0, LLM_INVALID, 0 },
        { "1e+", 0, LLM_INVALID, 0 },
        { "1.2.3", 0, LLM_INVALID, 0 },
        { "1,5", 0, LLM_INVALID, 0 },
        { "0x1", 0, LLM_INVALID, 0 },
        { "1 ", 0, LLM_INVALID, 0 },
        { "\"1\"", 0, LLM_INVALID, 0 },
        { "NaN", 0, LLM_INVALID, 0 },
        { "true", 0, LLM_INVALID, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s = unit_str(cases[i].text);
        n = 0;

        rc = llm_price_parse(&s, cases[i].exp10, &n);

        is_int(rc, cases[i].rc, "\"%s\" is judged", cases[i].text);

        if (rc == LLM_OK) {
            is_int(n, cases[i].want, "\"%s\" is read", cases[i].text);
        }
    }
}


static void
printed(void)
{
    size_t     i;
    llm_buf_t  b;
    llm_str_t  s;

    static const struct {
        int64_t      nano;
        const char  *want;
    } cases[] = {
        { 0, "0" },
        { 1, "0.000000001" },
        { 1234567890, "1.23456789" },
        { 514350, "0.00051435" },
        { 1000000000, "1" },
        { 10500000000, "10.5" },
        { -500000000, "-0.5" },
        { INT64_MAX, "9223372036.854775807" },
        { INT64_MIN, "-9223372036.854775808" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        llm_buf_init(&b, arena);
        llm_price_print(cases[i].nano, &b);

        s.len = b.len;
        s.data = b.data;

        is_str(s, cases[i].want, "%s is printed", cases[i].want);
    }
}


static void
sums(void)
{
    const llm_price_t   *p;
    const llm_prices_t  *prices;

    prices = catalogue(
        "{\"m\":{\"input_cost_per_token\":1.25e-06,"
        "\"cache_read_input_token_cost\":2e-07,"
        "\"output_cost_per_token\":2.5e-06},"
        "\"half\":{\"input_cost_per_token\":5e-10},"
        "\"below\":{\"input_cost_per_token\":4.99999e-10},"
        "\"three\":{\"input_cost_per_token\":5e-10,"
        "\"output_cost_per_token\":5e-10},"
        "\"dear\":{\"input_cost_per_token\":9000},"
        "\"free\":{\"input_cost_per_token\":0,\"output_cost_per_token\":0.0},"
        "\"in\":{\"input_cost_per_token\":1e-06}}");

    p = entry(prices, "m");

    is_cost(p, 514350, "a sum of three prices",
            U(INPUT, 71), U(CACHE_READ, 128), U(OUTPUT, 160));
    is_cost(p, 0, "nothing used", U(INPUT, 0), U(OUTPUT, 0));
    is_cost(p, 1250, "requests add nothing", U(INPUT, 1), U(REQUESTS, 1));
    is_cost(p, 3750, "reasoning costs what output does",
            U(INPUT, 1), U(REASONING, 1));
    is_cost(p, 2500, "cache writes cost what input does",
            U(CACHE_WRITE_5M, 1), U(CACHE_WRITE_1H, 1));
    is_cost(p, 7500, "sound and images cost what text does",
            U(AUDIO_INPUT, 1), U(AUDIO_OUTPUT, 1), U(IMAGE_INPUT, 1),
            U(IMAGE_OUTPUT, 1));
    is_unknown(p, "a search without a price", U(INPUT, 1), U(SEARCHES, 1));
    is_unknown(p, "an image without a price", U(INPUT, 1), U(IMAGES, 1));
    is_unknown(p, "video without a price", U(VIDEO_SECONDS, 1));
    is_unknown(p, "sound without a price", U(INPUT, 1), U(AUDIO_SECONDS, 1));
    is_unknown(p, "speech without a price", U(INPUT, 1), U(CHARACTERS, 1));

    is_cost(entry(prices, "half"), 1, "half a nano-dollar", U(INPUT, 1));
    is_cost(entry(prices, "half"), 2, "one and a half", U(INPUT, 3));
    is_cost(entry(prices, "below"), 0, "less than half", U(INPUT, 1));
    is_cost(entry(prices, "three"), 1, "rounded once, not each",
            U(INPUT, 1), U(OUTPUT, 1));

    is_cost(entry(prices, "free"), 0, "an explicit zero",
            U(INPUT, 1000000), U(OUTPUT, 5));
    is_cost(entry(prices, "free"), 0, "a call that is free", U(REQUESTS, 1));
    is_unknown(entry(prices, "in"), "output without a price",
               U(INPUT, 5), U(OUTPUT, 1));

    is_cost(entry(prices, "dear"), 9000000000000000000,
            "as much as fits", U(INPUT, 1000000));

    {
        unit_t   over[] = { U(INPUT, 1024820), END };
        unit_t   most[] = { U(INPUT, LLM_USAGE_MAX), END };
        int64_t  nano;

        is_int(cost_how(entry(prices, "dear"), &plain_how, over, &nano),
               LLM_LIMIT, "more than fits is told");
        is_int(cost_how(entry(prices, "dear"), &plain_how, most, &nano),
               LLM_LIMIT, "far more than fits is told");
    }
}


static void
tiers(void)
{
    int64_t              nano;
    llm_price_how_t      how;
    const llm_price_t   *p;
    const llm_prices_t  *prices;

    unit_t  small[] = { U(INPUT, 1000), U(OUTPUT, 10), END };
    unit_t  large[] = { U(INPUT, 200001), U(OUTPUT, 10), END };

    prices = catalogue(
        "{\"long\":{\"input_cost_per_token\":1e-06,"
        "\"input_cost_per_token_above_200k_tokens\":2e-06,"
        "\"cache_read_input_token_cost\":1e-07,"
        "\"cache_read_input_token_cost_above_200k_tokens\":2e-07,"
        "\"cache_creation_input_token_cost\":3e-06,"
        "\"cache_creation_input_token_cost_above_1hr\":5e-06,"
        "\"cache_creation_input_token_cost_above_1hr_above_200k_tokens\":"
        "9e-06,"
        "\"output_cost_per_reasoning_token\":4e-06,"
        "\"output_cost_per_token\":3e-06,"
        "\"output_cost_per_token_above_200k_tokens\":6e-06},"
        "\"tier\":{\"input_cost_per_token\":1e-06,"
        "\"input_cost_per_token_priority\":2e-06,"
        "\"input_cost_per_token_flex\":5e-07,"
        "\"input_cost_per_token_batches\":7,"
        "\"input_cost_per_token_above_200k_tokens\":3e-06,"
        "\"input_cost_per_token_above_200k_tokens_priority\":4e-06,"
        "\"output_cost_per_token\":1e-05},"
        "\"rows\":{\"tiered_pricing\":["
        "{\"range\":[0,256000.0],\"input_cost_per_token\":1e-06,"
        "\"output_cost_per_token\":2e-06},"
        "{\"range\":[256000.0,1e6],\"input_cost_per_token\":3e-06,"
        "\"output_cost_per_token\":4e-06}]},"
        "\"two\":{\"input_cost_per_token\":1e-06,"
        "\"input_cost_per_token_above_512k_tokens\":4e-06,"
        "\"input_cost_per_token_above_128k_tokens\":2e-06}}");

    p = entry(prices, "long");

    is_cost(p, 200000000, "at the threshold", U(INPUT, 200000));
    is_cost(p, 400002000, "above it the whole request", U(INPUT, 200001));
    is_cost(p, 200000 + 20000200 + 200000000 + 60000,
            "all kinds of input count",
            U(INPUT, 100), U(CACHE_READ, 100001), U(AUDIO_INPUT, 100000),
            U(OUTPUT, 10));

    is_cost(p, 5000, "a write for an hour", U(CACHE_WRITE_1H, 1));
    is_cost(p, 400000000 + 9000, "a write for an hour, above",
            U(INPUT, 200000), U(CACHE_WRITE_1H, 1));
    is_cost(p, 4000, "reasoning has its price", U(REASONING, 1));
    is_cost(p, 400002000 + 6000, "which output's above it replaces",
            U(INPUT, 200001), U(REASONING, 1));

    p = entry(prices, "tier");
    how = plain_how;

    cost_how(p, &how, small, &nano);
    is_int(nano, 1000000 + 100000, "no tier");

    how.tier = unit_str("priority");
    cost_how(p, &how, small, &nano);
    is_int(nano, 2000000 + 100000, "priority");
    cost_how(p, &how, large, &nano);
    is_int(nano, 800004000 + 100000, "priority, above");

    how.tier = unit_str("flex");
    cost_how(p, &how, small, &nano);
    is_int(nano, 500000 + 100000, "flex");
    cost_how(p, &how, large, &nano);
    is_int(nano, 600003000 + 100000, "flex has no price above");

    how.tier = unit_str("default");
    cost_how(p, &how, small, &nano);
    is_int(nano, 1000000 + 100000, "the default tier");

    p = entry(prices, "rows");

    is_cost(p, 256000000 + 2000, "the first row",
            U(INPUT, 256000), U(OUTPUT, 1));
    is_cost(p, 768003000 + 4000, "the second row",
            U(INPUT, 256001), U(OUTPUT, 1));
    is_cost(p, 6000000000, "beyond the last row", U(INPUT, 2000000));
    is_cost(p, 0, "an empty prompt", U(INPUT, 0));

    p = entry(prices, "two");

    is_cost(p, 128000000, "below both thresholds", U(INPUT, 128000));
    is_cost(p, 400000000, "between two thresholds", U(INPUT, 200000));
    is_cost(p, 2400000000, "above both thresholds", U(INPUT, 600000));
}


static void
pieces(void)
{
    int64_t              nano;
    llm_price_how_t      how;
    const llm_price_t   *p;
    const llm_prices_t  *prices;

    unit_t  image[] = { U(IMAGES, 2), END };

    prices = catalogue(
        "{\"whisper-1\":{\"input_cost_per_second\":0.0001,"
        "\"output_cost_per_second\":0.0001,"
        "\"mode\":\"audio_transcription\"},"
        "\"stt\":{\"input_cost_per_second\":0.0,"
        "\"output_cost_per_second\":2.77778e-05},"
        "\"mini-tts\":{\"input_cost_per_token\":2.5e-06,"
        "\"output_cost_per_audio_token\":1.2e-05,"
        "\"output_cost_per_second\":0.00025,"
        "\"output_cost_per_token\":1e-05},"
        "\"tts-1\":{\"input_cost_per_character\":1.5e-05},"
        "\"gpt-image-1\":{\"input_cost_per_token\":5e-06,"
        "\"input_cost_per_image_token\":1e-05,"
        "\"output_cost_per_image_token\":4e-05},"
        "\"flash-image\":{\"input_cost_per_token\":3e-07,"
        "\"output_cost_per_image\":0.039,"
        "\"output_cost_per_image_token\":3e-05},"
        "\"dall-e-3\":{\"input_cost_per_image\":0.04,"
        "\"mode\":\"image_generation\"},"
        "\"pixel\":{\"input_cost_per_pixel\":1.9e-08,"
        "\"output_cost_per_pixel\":0.0,\"mode\":\"image_generation\"},"
        "\"shown\":{\"input_cost_per_image\":0.0048,\"mode\":\"chat\","
        "\"input_cost_per_token\":1e-06},"
        "\"sora-2\":{\"output_cost_per_video_per_second\":0.1},"
        "\"veo\":{\"output_cost_per_second\":0.4},"
        "\"rerank\":{\"input_cost_per_query\":0.002,"
        "\"input_cost_per_token\":0.0},"
        "\"search\":{\"input_cost_per_token\":1e-06,"
        "\"input_cost_per_request\":0.005,"
        "\"search_context_cost_per_query\":{\"search_context_size_low\":1,"
        "\"search_context_size_medium\":0.01,"
        "\"search_context_size_high\":2}}}");

    is_cost(entry(prices, "whisper-1"), 650000, "seconds heard, once",
            U(AUDIO_SECONDS, 6500));
    is_cost(entry(prices, "whisper-1"), 650000, "tokens are in the seconds",
            U(AUDIO_SECONDS, 6500), U(OUTPUT, 20));
    is_cost(entry(prices, "stt"), 27778, "the price that is not zero",
            U(AUDIO_SECONDS, 1000));

    p = entry(prices, "mini-tts");

    is_cost(p, 25000 + 1200000, "speech in tokens",
            U(INPUT, 10), U(AUDIO_OUTPUT, 100));
    is_cost(p, 25000 + 1200000, "in tokens only, whatever else is told",
            U(INPUT, 10), U(AUDIO_OUTPUT, 100), U(AUDIO_SECONDS, 5000),
            U(CHARACTERS, 40));
    is_cost(p, 25000 + 1250000, "speech in seconds",
            U(INPUT, 10), U(AUDIO_SECONDS, 5000));
    is_unknown(p, "speech of unknown length", U(INPUT, 10),
               U(CHARACTERS, 40));

    is_cost(entry(prices, "tts-1"), 600000, "characters",
            U(CHARACTERS, 40), U(REQUESTS, 1));
    is_cost(entry(prices, "tts-1"), 600000, "characters, tokens in them",
            U(CHARACTERS, 40), U(INPUT, 10));
    is_unknown(entry(prices, "tts-1"), "only tokens", U(INPUT, 10));

    p = entry(prices, "gpt-image-1");

    is_cost(p, 50000 + 1000000 + 4000000, "an image in tokens",
            U(INPUT, 10), U(IMAGE_INPUT, 100), U(IMAGE_OUTPUT, 100),
            U(IMAGES, 1));
    is_unknown(p, "text that an image model has no price for",
               U(IMAGE_OUTPUT, 100), U(OUTPUT, 1));
    is_unknown(p, "an image without its tokens", U(INPUT, 10), U(IMAGES, 1));

    p = entry(prices, "flash-image");

    is_cost(p, 38700000, "tokens before pieces",
            U(IMAGE_OUTPUT, 1290), U(IMAGES, 1));
    is_cost(p, 39000000, "pieces without tokens", U(IMAGES, 1));

    is_cost(entry(prices, "dall-e-3"), 80000000, "images made",
            U(IMAGES, 2));
    is_unknown(entry(prices, "shown"), "a price of images shown",
               U(IMAGES, 1));

    p = entry(prices, "pixel");
    how = plain_how;

    is_int(cost_how(p, &how, image, &nano), LLM_DECLINED, "pixels of what");
    how.size = unit_str("1024x512");
    is_int(cost_how(p, &how, image, &nano), LLM_OK, "pixels of a size");
    is_int(nano, 2 * 1024 * 512 * 19, "pixels counted");
    how.size = unit_str("auto");
    is_int(cost_how(p, &how, image, &nano), LLM_DECLINED, "pixels of auto");
    how.size = unit_str("65535x65536");
    is_int(cost_how(p, &how, image, &nano), LLM_DECLINED, "too many pixels");

    is_cost(entry(prices, "sora-2"), 400000000, "video",
            U(VIDEO_SECONDS, 4000));
    is_cost(entry(prices, "veo"), 3200000000, "video by its other name",
            U(VIDEO_SECONDS, 8000));

    p = entry(prices, "rerank");

    is_cost(p, 2000000, "a query is a request", U(REQUESTS, 1));
    is_cost(p, 6000000, "or what is told", U(REQUESTS, 1), U(SEARCHES, 3));

    is_cost(entry(prices, "search"), 1000 + 5000000 + 20000000,
            "requests and searches",
            U(INPUT, 1), U(REQUESTS, 1), U(SEARCHES, 2));
}


static void
found(void)
{
    llm_str_t            names[3], model, public_name, none, size, quality;
    llm_usage_t          usage;
    int64_t              nano;
    const llm_price_t   *p;
    const llm_prices_t  *prices;

    prices = catalogue(
        "{\"sample_spec\":{\"input_cost_per_token\":\"a number\"},"
        "\"fallback_generalizations\":[1],"
        "\"m\":{\"input_cost_per_token\":1},"
        "\"openai/m\":{\"input_cost_per_token\":2},"
        "\"azure/eu/m\":{\"input_cost_per_token\":3},"
        "\"azure/m\":{\"max_output_tokens\":5},"
        "\"public\":{\"input_cost_per_token\":4},"
        "\"es\\u0063aped\\n\":{\"input_cost_per_token\":6,"
        "\"max_output_tokens\":4096,\"max_input_tokens\":128000.0},"
        "\"img\":{\"input_cost_per_image\":1},"
        "\"1024-x-512/img\":{\"input_cost_per_image\":2},"
        "\"hd/1024-x-512/img\":{\"input_cost_per_image\":3},"
        "\"azure/standard/256-x-256/img\":{\"input_cost_per_pixel\":1e-6}}");

    names[0] = unit_str("");
    names[1] = unit_str("azure");
    names[2] = unit_str("openai");
    model = unit_str("m");
    public_name = unit_str("public");
    none = unit_str("");

    ok(llm_prices_find(prices, names, 3, &model, &none)
       == entry(prices, "openai/m"), "a prefix, past an entry without prices");
    ok(llm_prices_find(prices, names, 2, &model, &none)
       == entry(prices, "m"), "the bare name");

    model = unit_str("eu/m");
    ok(llm_prices_find(prices, names, 3, &model, &none)
       == entry(prices, "azure/eu/m"), "a prefix that is not the first");

    model = unit_str("other");
    ok(llm_prices_find(prices, names, 3, &model, &public_name)
       == entry(prices, "public"), "the public name");
    ok(llm_prices_find(prices, names, 3, &model, &none) == NULL, "nothing");
    ok(llm_prices_find(prices, names, 3, &none, &none) == NULL, "no names");
    ok(entry(prices, "sample_spec") == NULL, "the format's description");

    p = entry(prices, "escaped\n");
    ok(p != NULL, "a name with escapes");
    is_int(llm_price_max_output(p), 4096, "max_output_tokens");
    is_int(llm_price_max_input(p), 128000, "max_input_tokens");
    is_int(llm_price_max_input(entry(prices, "m")), -1, "no max");
    is_str(llm_price_version(p), "0123456789ab", "the version");

    model = unit_str("img");
    size = unit_str("1024x512");
    quality = unit_str("hd");

    ok(llm_prices_image(prices, names, 3, &model, &size, &quality)
       == entry(prices, "hd/1024-x-512/img"), "quality and size");

    quality = unit_str("low");
    ok(llm_prices_image(prices, names, 3, &model, &size, &quality)
       == entry(prices, "1024-x-512/img"), "size alone");

    size = unit_str("2x2");
    ok(llm_prices_image(prices, names, 3, &model, &size, &quality) == NULL,
       "no such size");

    size = unit_str("auto");
    ok(llm_prices_image(prices, names, 3, &model, &size, &quality) == NULL,
       "no size");

    size = unit_str("256-x-256");
    p = llm_prices_image(prices, names, 3, &model, &size, &none);
    ok(p == entry(prices, "azure/standard/256-x-256/img"),
       "the standard quality of a provider");

    memset(&usage, 0, sizeof(llm_usage_t));
    llm_usage_set(&usage, LLM_USAGE_IMAGES, 1);
    llm_price_cost(p, &usage, &plain_how, &nano);
    is_int(nano, 65536000, "pixels of the size in the name");
}


static void
overlays(void)
{
    int           rc;
    llm_str_t     version, err, field, usd;
    const char   *text;
    llm_price_t  *q;
    llm_prices_t *prices;

    prices = catalogue(
        "{\"m\":{\"input_cost_per_token\":1e-06,\"output_cost_per_token\":"
        "2e-06,\"max_output_tokens\":10},"
        "\"n\":{\"input_cost_per_token\":1e-06},"
        "\"t\":{\"tiered_pricing\":[{\"range\":[0,10],"
        "\"input_cost_per_token\":1e-06,\"output_cost_per_token\":2e-06},"
        "{\"range\":[10,20],\"input_cost_per_token\":5e-06,"
        "\"output_cost_per_token\":6e-06}]}}");

    text = "{\"m\":{\"output_cost_per_token\":7e-06,"
           "\"cache_read_input_token_cost\":null},"
           "\"n\":{\"max_output_tokens\":20},"
           "\"t\":{\"input_cost_per_token\":9e-06},"
           "\"new\":{\"input_cost_per_token\":3e-06}}";

    version = unit_str("second000000");

    rc = llm_prices_load(prices, (const unsigned char *) text, strlen(text),
                         &version, &err);
    is_int(rc, LLM_OK, "a second file");

    is_cost(entry(prices, "m"), 8000, "a field replaced, another kept",
            U(INPUT, 1), U(OUTPUT, 1));
    is_str(llm_price_version(entry(prices, "m")), "second000000",
           "the version of the file that set a price");
    is_str(llm_price_version(entry(prices, "n")), "0123456789ab",
           "the version of a price that was not touched");
    is_int(llm_price_max_output(entry(prices, "m")), 10, "a number kept");
    is_int(llm_price_max_output(entry(prices, "n")), 20, "a number added");
    is_cost(entry(prices, "t"), 180000 + 6000, "a plain price ends rows",
            U(INPUT, 20), U(OUTPUT, 1));
    is_cost(entry(prices, "new"), 3000, "a new entry", U(INPUT, 1));

    q = llm_price_inline(arena, entry(prices, "t"));

    field = unit_str("output");
    usd = unit_str("2.50");

    is_int(llm_price_set(q, &field, &usd), LLM_OK, "one price by hand");
    is_cost(q, 180000 + 2500, "for all lengths", U(INPUT, 20), U(OUTPUT, 1));
    is_str(llm_price_version(q), "inline", "its version");
    is_cost(entry(prices, "t"), 180000 + 6000, "the catalogue stays",
            U(INPUT, 20), U(OUTPUT, 1));

    q = llm_price_inline(arena, NULL);

    is_unknown(q, "an entry without prices", U(REQUESTS, 1));

    {
        size_t  i;

        static const char *const  fields[] = {
            "input", "cached_input", "cache_write", "cache_write_1h",
            "output", "reasoning", "audio_input", "audio_output",
            "image_input", "image_output", "image", "video_second",
            "audio_second", "character", "search", "request"
        };

        usd = unit_str("1");

        for (rc = 0; rc < 2; rc++) {
            for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
                field = unit_str(fields[i]);
                is_int(llm_price_set(q, &field, &usd), LLM_OK, "%s",
                       fields[i]);
            }
        }
    }

    is_cost(q, 10000, "ten kinds of tokens",
            U(INPUT, 1), U(CACHE_READ, 1), U(CACHE_WRITE_5M, 1),
            U(CACHE_WRITE_1H, 1), U(OUTPUT, 1), U(REASONING, 1),
            U(AUDIO_INPUT, 1), U(AUDIO_OUTPUT, 1), U(IMAGE_INPUT, 1),
            U(IMAGE_OUTPUT, 1), U(REQUESTS, 0));
    is_cost(q, 4500000000, "pieces",
            U(IMAGES, 1), U(VIDEO_SECONDS, 1000), U(AUDIO_SECONDS, 500),
            U(SEARCHES, 1), U(REQUESTS, 1));
    is_cost(q, 3000000000, "characters", U(CHARACTERS, 3));

    field = unit_str("unputs");
    is_int(llm_price_set(q, &field, &usd), LLM_DECLINED, "no such field");
    field = unit_str("output");
    usd = unit_str("-2");
    is_int(llm_price_set(q, &field, &usd), LLM_INVALID, "no such number");
}


static void
refused(void)
{
    int            rc;
    size_t         i;
    llm_str_t      version, err;
    llm_prices_t  *prices;

    static const struct {
        const char  *text;
        const char  *err;
    } cases[] = {
        { "[1]", "an object is expected" },
        { "{\"m\":1}", "\"m\": an object is expected" },
        { "{\"m\":{\"input_cost_per_token\":-1}}",
          "\"m\": \"input_cost_per_token\": "
          "a number, not negative, is expected" },
        { "{\"m\":{\"input_cost_per_token\":\"1\"}}",
          "\"m\": \"input_cost_per_token\": "
          "a number, not negative, is expected" },
        { "{\"m\":{\"output_cost_per_token_flex\":{}}}",
          "\"m\": \"output_cost_per_token_flex\": "
          "a number, not negative, is expected" },
        { "{\"m\":{\"input_cost_per_token\":1e9}}",
          "\"m\": \"input_cost_per_token\": the price is too high" },
        { "{\"m\":{\"input_cost_per_token\":1,\"input_cost_per_token\":2}}",
          "\"m\": \"input_cost_per_token\": the price is there twice" },
        { "{\"m\":{},\"m\":{}}", "\"m\": the entry is there twice" },
        { "{\"m\":{\"max_output_tokens\":\"many\"}}",
          "\"m\": \"max_output_tokens\": a number of tokens is expected" },
        { "{\"m\":{\"tiered_pricing\":{}}}",
          "\"m\": \"tiered_pricing\": an array is expected" },
        { "{\"m\":{\"tiered_pricing\":[1]}}",
          "\"m\": \"tiered_pricing\": an array of objects is expected" },
        { "{\"m\":{\"tiered_pricing\":[{\"range\":[]}]}}",
          "\"m\": \"tiered_pricing\": \"range\" is empty" },
        { "{\"m\":{\"tiered_pricing\":[{\"range\":[0],"
          "\"input_cost_per_token\":-1}]}}",
          "\"m\": \"tiered_pricing\": a number, not negative, is expected" },
        { "{\"m\":{\"mode\":1}}", "\"m\": \"mode\": a string is expected" },
        { "{\"a\\nb\":[]}", "\"a\\nb\": an object is expected" }
    };

    version = unit_str("0123456789ab");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        prices = llm_prices_create(arena);

        rc = llm_prices_load(prices, (const unsigned char *) cases[i].text,
                             strlen(cases[i].text), &version, &err);

        ok(rc == LLM_INVALID || rc == LLM_LIMIT, "%s is refused",
           cases[i].text);
        is_str(err, cases[i].err, "and why");
    }

    prices = llm_prices_create(arena);
    rc = llm_prices_load(prices, (const unsigned char *) "{\"m\":{]", 7,
                         &version, &err);
    is_int(rc, LLM_INVALID, "no JSON");
    ok(err.len > 26 && memcmp(err.data, "invalid JSON at byte 6: ", 24) == 0,
       "and where");

    rc = llm_prices_load(prices, (const unsigned char *) "", 0, &version,
                         &err);
    is_int(rc, LLM_INVALID, "no text");
}


/* a file in memory of its own, which goes with the text before it is asked */

static llm_prices_t *
loaded(llm_arena_t *a, const char *dir, const char *name)
{
    int             rc;
    FILE           *f;
    char            path[1024];
    size_t          len;
    llm_str_t       version, err;
    llm_prices_t   *prices;
    unsigned char  *data;

    snprintf(path, sizeof(path), "%s/%s", dir, name);

    f = fopen(path, "rb");

    if (f == NULL) {
        ok(1, "# skip no %s", path);
        return NULL;
    }

    data = malloc(8 * 1024 * 1024);
    len = fread(data, 1, 8 * 1024 * 1024, f);
    fclose(f);

    prices = llm_prices_create(a);
    version = unit_str("0123456789ab");

    rc = llm_prices_load(prices, data, len, &version, &err);
    is_int(rc, LLM_OK, "%s", path);

    if (rc != LLM_OK) {
        printf("# %.*s\n", (int) err.len, (char *) err.data);
    }

    memset(data, 0, len);
    free(data);

    return (rc == LLM_OK) ? prices : NULL;
}


/* a whole catalogue of the field, where there is one, and our own file */

static void
files(void)
{
    const char          *dir;
    llm_arena_t         *a;
    llm_prices_t        *prices;
    const llm_price_t   *p;

    a = llm_arena_create(4 * 1024 * 1024);
    dir = getenv("LLM_PRICES");

    prices = loaded(a, dir ? dir : "../shared/prices",
                    "model_prices_and_context_window.json");

    if (prices) {
        p = entry(prices, "claude-sonnet-4-5");
        is_cost(p, 3000 + 300 + 3750 + 6000 + 15000, "an entry of it",
                U(INPUT, 1), U(CACHE_READ, 1), U(CACHE_WRITE_5M, 1),
                U(CACHE_WRITE_1H, 1), U(OUTPUT, 1));

        p = entry(prices, "whisper-1");
        is_cost(p, 100000, "another", U(AUDIO_SECONDS, 1000));

        p = entry(prices, "dashscope/qwen-flash");
        is_cost(p, 250 * 300300, "rows", U(INPUT, 300300));
    }

    prices = loaded(a, "conf-examples", "prices.json");

    if (prices) {
        p = entry(prices, "gpt-4o-mini");
        is_cost(p, 150 + 75 + 600, "an entry of ours",
                U(INPUT, 1), U(CACHE_READ, 1), U(OUTPUT, 1));
        is_int(llm_price_max_output(p), 16384, "the length of its answers");
    }

    llm_arena_free(a);
}


int
main(void)
{
    arena = llm_arena_create(64 * 1024 * 1024);

    plan(0);

    decimals();
    printed();
    sums();
    tiers();
    pieces();
    found();
    overlays();
    refused();
    files();

    llm_arena_free(arena);

    return unit_end();
}
