
/*
 * What a usage costs.
 */


#include "llm_price_state.h"


__extension__ typedef unsigned __int128  llm_wide_t;


/* sums are in 1e-18 USD: thousandths of seconds times 1e-15 USD */

#define LLM_COST_MILLI  1000
#define LLM_COST_NANO   1000000000
#define LLM_COST_MAX    ((llm_wide_t) INT64_MAX * LLM_COST_NANO)


typedef struct {
    const llm_price_t  *price;
    const llm_usage_t  *usage;

    const llm_rate_t   *rates[LLM_PRICE_N];  /* those that hold here */
    llm_wide_t          sum;

    unsigned            pieces:1;    /* something but tokens was priced */
    unsigned            tokens:1;    /* tokens are not free in this entry */
    unsigned            unpriced:1;  /* tokens without a price */
    unsigned            unknown:1;   /* something else without one */
    unsigned            limit:1;
} llm_cost_t;


static void llm_cost_choose(llm_cost_t *c, const llm_str_t *tier);
static int llm_cost_closer(const llm_rate_t *a, const llm_rate_t *b);
static const llm_rate_t *llm_cost_higher(const llm_rate_t *a,
    const llm_rate_t *b);
static const llm_rate_t *llm_cost_part(llm_cost_t *c, llm_price_e part,
    llm_price_e whole);
static void llm_cost_text(llm_cost_t *c);
static void llm_cost_images(llm_cost_t *c, const llm_str_t *size);
static void llm_cost_audio(llm_cost_t *c);
static void llm_cost_rest(llm_cost_t *c);
static void llm_cost_tokens(llm_cost_t *c, llm_usage_e unit,
    const llm_rate_t *rate);
static void llm_cost_pieces(llm_cost_t *c, llm_usage_e unit,
    const llm_rate_t *rate);
static void llm_cost_add(llm_cost_t *c, int64_t n, llm_wide_t femto);


int
llm_price_cost(const llm_price_t *price, const llm_usage_t *usage,
    const llm_price_how_t *how, int64_t *nano)
{
    llm_cost_t  c;

    memset(&c, 0, sizeof(llm_cost_t));

    c.price = price;
    c.usage = usage;

    if (price->nrates == 0) {
        return LLM_DECLINED;
    }

    llm_cost_choose(&c, &how->tier);

    llm_cost_text(&c);
    llm_cost_images(&c, &how->size);
    llm_cost_audio(&c);
    llm_cost_rest(&c);

    if (c.limit) {
        return LLM_LIMIT;
    }

    if (c.unknown) {
        return LLM_DECLINED;
    }

    /* who asks nothing for tokens sells pieces, what makes them is included */

    if (c.unpriced && (c.tokens || !c.pieces)) {
        return LLM_DECLINED;
    }

    c.sum = (c.sum + LLM_COST_NANO / 2) / LLM_COST_NANO;

    if (c.sum > INT64_MAX) {
        return LLM_LIMIT;
    }

    *nano = (int64_t) c.sum;

    return LLM_OK;
}


/* the one price of each kind that holds for this tier and this many tokens */

static void
llm_cost_choose(llm_cost_t *c, const llm_str_t *tier)
{
    int64_t             input;
    unsigned            i, wanted;
    const llm_rate_t   *rate, **best;

    wanted = LLM_PRICE_STANDARD;

    if (llm_str_is(tier, "priority")) {
        wanted = LLM_PRICE_PRIORITY;

    } else if (llm_str_is(tier, "flex")) {
        wanted = LLM_PRICE_FLEX;
    }

    input = llm_usage_input(c->usage);

    for (i = 0; i < c->price->nrates; i++) {
        rate = &c->price->rates[i];

        if (rate->kind <= LLM_PRICE_OUTPUT_IMAGE && rate->femto) {
            c->tokens = 1;
        }

        if ((rate->above && input <= rate->above)
            || (rate->tier != LLM_PRICE_STANDARD && rate->tier != wanted))
        {
            continue;
        }

        best = &c->rates[rate->kind];

        if (*best == NULL || llm_cost_closer(rate, *best)) {
            *best = rate;
        }
    }
}


/* whether a was made more for this request than b: its length goes first */

static int
llm_cost_closer(const llm_rate_t *a, const llm_rate_t *b)
{
    if (a->above != b->above) {
        return a->above > b->above;
    }

    if (a->tier != b->tier) {
        return a->tier != LLM_PRICE_STANDARD;
    }

    return a->ranged > b->ranged;
}


static const llm_rate_t *
llm_cost_higher(const llm_rate_t *a, const llm_rate_t *b)
{
    if (a == NULL || b == NULL) {
        return a ? a : b;
    }

    return (b->femto > a->femto) ? b : a;
}


/*
 * The price of a part that is usually that of the whole: if only the whole
 * has one for long prompts, or for the tier, it is the part's too.
 */

static const llm_rate_t *
llm_cost_part(llm_cost_t *c, llm_price_e part, llm_price_e whole)
{
    const llm_rate_t  *p, *w;

    p = c->rates[part];
    w = c->rates[whole];

    if (p == NULL) {
        return w;
    }

    if (w && (w->above > p->above
              || (w->above == p->above && w->tier != p->tier
                  && w->tier != LLM_PRICE_STANDARD)))
    {
        return w;
    }

    return p;
}


static void
llm_cost_text(llm_cost_t *c)
{
    const llm_rate_t  *input, *write, *rate;

    input = c->rates[LLM_PRICE_INPUT];

    llm_cost_tokens(c, LLM_USAGE_INPUT, input);

    rate = c->rates[LLM_PRICE_CACHE_READ];

    if (rate == NULL) {
        rate = c->rates[LLM_PRICE_CACHE_HIT];
    }

    llm_cost_tokens(c, LLM_USAGE_CACHE_READ, rate ? rate : input);

    write = c->rates[LLM_PRICE_CACHE_WRITE];

    llm_cost_tokens(c, LLM_USAGE_CACHE_WRITE_5M, write ? write : input);

    rate = llm_cost_part(c, LLM_PRICE_CACHE_WRITE_1H, LLM_PRICE_CACHE_WRITE);

    llm_cost_tokens(c, LLM_USAGE_CACHE_WRITE_1H, rate ? rate : input);

    llm_cost_tokens(c, LLM_USAGE_OUTPUT, c->rates[LLM_PRICE_OUTPUT]);

    rate = llm_cost_part(c, LLM_PRICE_REASONING, LLM_PRICE_OUTPUT);

    llm_cost_tokens(c, LLM_USAGE_REASONING, rate);
}


/*
 * Images made: tokens if both told and priced, else pieces, else pixels.
 * "input_cost_per_image" is the price of a picture made where the model makes
 * some and no other price is there.
 */

static void
llm_cost_images(llm_cost_t *c, const llm_str_t *size)
{
    int64_t            images, tokens;
    uint64_t           pixels;
    const llm_rate_t  *rate, *pixel;

    rate = c->rates[LLM_PRICE_INPUT_IMAGE];

    llm_cost_tokens(c, LLM_USAGE_IMAGE_INPUT,
                    rate ? rate : c->rates[LLM_PRICE_INPUT]);

    images = c->usage->units[LLM_USAGE_IMAGES];
    tokens = c->usage->units[LLM_USAGE_IMAGE_OUTPUT];

    rate = c->rates[LLM_PRICE_OUTPUT_IMAGE];

    if (tokens > 0 && rate) {
        llm_cost_tokens(c, LLM_USAGE_IMAGE_OUTPUT, rate);
        return;
    }

    rate = c->rates[LLM_PRICE_IMAGE_OUT];
    pixel = NULL;
    pixels = 0;

    if (rate == NULL && !c->price->sees) {
        rate = c->rates[LLM_PRICE_IMAGE_IN];
    }

    if (rate == NULL) {
        pixels = llm_price_pixels(size);

        if (pixels == 0) {
            pixels = c->price->pixels;
        }

        if (pixels) {
            pixel = llm_cost_higher(c->rates[LLM_PRICE_PIXEL_OUT],
                                    c->rates[LLM_PRICE_PIXEL_IN]);
        }
    }

    if (images > 0 && rate) {
        llm_cost_pieces(c, LLM_USAGE_IMAGES, rate);
        return;
    }

    if (images > 0 && pixel) {
        c->pieces = 1;
        llm_cost_add(c, images, (llm_wide_t) pixel->femto * pixels);
        return;
    }

    llm_cost_tokens(c, LLM_USAGE_IMAGE_OUTPUT, c->rates[LLM_PRICE_OUTPUT]);

    if (images > 0 && tokens <= 0) {
        c->unknown = 1;
    }
}


/*
 * Sound heard and made: one basis, since entries tell several that mean the
 * same.  Tokens if told and priced, else seconds, or characters.
 */

static void
llm_cost_audio(llm_cost_t *c)
{
    int                own;
    int64_t            in, out, seconds, characters;
    const llm_rate_t  *heard, *made, *second, *character, *input;

    in = c->usage->units[LLM_USAGE_AUDIO_INPUT];
    out = c->usage->units[LLM_USAGE_AUDIO_OUTPUT];
    seconds = c->usage->units[LLM_USAGE_AUDIO_SECONDS];
    characters = c->usage->units[LLM_USAGE_CHARACTERS];

    heard = c->rates[LLM_PRICE_INPUT_AUDIO];
    made = c->rates[LLM_PRICE_OUTPUT_AUDIO];
    input = c->rates[LLM_PRICE_INPUT];

    second = c->rates[LLM_PRICE_AUDIO_SECOND];

    if (second == NULL) {
        second = llm_cost_higher(c->rates[LLM_PRICE_SECOND_IN],
                                 c->rates[LLM_PRICE_SECOND_OUT]);
    }

    character = c->rates[LLM_PRICE_CHARACTER_IN];

    if (character == NULL) {
        character = c->rates[LLM_PRICE_CHARACTER_OUT];
    }

    own = (in > 0 || out > 0) && (in <= 0 || heard) && (out <= 0 || made);

    if (own || ((in > 0 || out > 0)
                && !(seconds > 0 && second)
                && !(characters > 0 && character)))
    {
        llm_cost_tokens(c, LLM_USAGE_AUDIO_INPUT, heard ? heard : input);
        llm_cost_tokens(c, LLM_USAGE_AUDIO_OUTPUT,
                        made ? made : c->rates[LLM_PRICE_OUTPUT]);
        return;
    }

    if (characters > 0 && character) {

        /* the text was priced in tokens already */

        if (input && input->femto
            && c->usage->units[LLM_USAGE_INPUT] > 0)
        {
            return;
        }

        llm_cost_pieces(c, LLM_USAGE_CHARACTERS, character);
        return;
    }

    if (seconds > 0) {
        llm_cost_pieces(c, LLM_USAGE_AUDIO_SECONDS, second);
        return;
    }

    llm_cost_pieces(c, LLM_USAGE_CHARACTERS, NULL);
}


static void
llm_cost_rest(llm_cost_t *c)
{
    const llm_rate_t  *rate, *query;

    rate = c->rates[LLM_PRICE_VIDEO_SECOND];

    llm_cost_pieces(c, LLM_USAGE_VIDEO_SECONDS,
                    rate ? rate : c->rates[LLM_PRICE_SECOND_OUT]);

    rate = c->rates[LLM_PRICE_SEARCH];
    query = c->rates[LLM_PRICE_QUERY];

    llm_cost_pieces(c, LLM_USAGE_SEARCHES, rate ? rate : query);

    rate = c->rates[LLM_PRICE_REQUEST];

    if (rate == NULL && c->usage->units[LLM_USAGE_SEARCHES] <= 0) {
        rate = query;
    }

    if (rate && c->usage->units[LLM_USAGE_REQUESTS] > 0) {
        llm_cost_add(c, c->usage->units[LLM_USAGE_REQUESTS],
                     (llm_wide_t) rate->femto);
    }
}


static void
llm_cost_tokens(llm_cost_t *c, llm_usage_e unit, const llm_rate_t *rate)
{
    if (c->usage->units[unit] <= 0) {
        return;
    }

    if (rate == NULL) {
        c->unpriced = 1;
        return;
    }

    llm_cost_add(c, c->usage->units[unit], (llm_wide_t) rate->femto);
}


static void
llm_cost_pieces(llm_cost_t *c, llm_usage_e unit, const llm_rate_t *rate)
{
    llm_wide_t  sum;

    if (c->usage->units[unit] <= 0) {
        return;
    }

    if (rate == NULL) {
        c->unknown = 1;
        return;
    }

    c->pieces = 1;

    if (!LLM_USAGE_MILLI(unit)) {
        llm_cost_add(c, c->usage->units[unit], (llm_wide_t) rate->femto);
        return;
    }

    sum = c->sum + (llm_wide_t) c->usage->units[unit] * rate->femto;

    if (sum > LLM_COST_MAX) {
        c->limit = 1;
        return;
    }

    c->sum = sum;
}


static void
llm_cost_add(llm_cost_t *c, int64_t n, llm_wide_t femto)
{
    if (n > LLM_USAGE_MAX || femto > (llm_wide_t) INT64_MAX) {
        c->limit = 1;
        return;
    }

    /* 53 bits, 63 bits and 10 bits */

    femto = femto * (llm_wide_t) n;

    if (femto > LLM_COST_MAX / LLM_COST_MILLI) {
        c->limit = 1;
        return;
    }

    c->sum += femto * LLM_COST_MILLI;

    if (c->sum > LLM_COST_MAX) {
        c->limit = 1;
        c->sum = 0;
    }
}
