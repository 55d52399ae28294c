
/*
 * The scanner's own state, shared by its files: llm_scan_walk.c walks the
 * structure, llm_scan_scalar.c takes strings, numbers and words that are not
 * as simple as most, llm_scan_name.c and llm_scan_pick.c keep what is told.
 * Nobody else includes this.
 */


#ifndef _LLM_SCAN_STATE_H_INCLUDED_
#define _LLM_SCAN_STATE_H_INCLUDED_


#include "llm_scan.h"


/* the order matters: structure, then strings, then numbers */

typedef enum {
    LLM_SCAN_VALUE = 0,       /* a value must follow */
    LLM_SCAN_FIRST_VALUE,     /* behind '[' */
    LLM_SCAN_NAME,            /* behind ',' of an object */
    LLM_SCAN_FIRST_NAME,      /* behind '{' */
    LLM_SCAN_COLON,
    LLM_SCAN_NEXT,            /* behind a value in a container */
    LLM_SCAN_DONE,

    LLM_SCAN_STRING,
    LLM_SCAN_ESCAPE,          /* behind '\' */
    LLM_SCAN_HEX,             /* in the digits of \uXXXX */
    LLM_SCAN_UTF8,            /* in a sequence cut by a piece's end, or bad */

    LLM_SCAN_LITERAL,

    LLM_SCAN_MINUS,
    LLM_SCAN_ZERO,
    LLM_SCAN_INTEGER,
    LLM_SCAN_POINT,
    LLM_SCAN_FRACTION,
    LLM_SCAN_EXPONENT,
    LLM_SCAN_SIGN,
    LLM_SCAN_POWER
} llm_scan_state_e;


/* besides indices of picks */

#define LLM_SCAN_NO_PICK     LLM_SCAN_MAX_PICKS
#define LLM_SCAN_ROOT_PICK   (LLM_SCAN_MAX_PICKS + 1)

/* an escape takes at most six bytes for one that it stands for */
#define LLM_SCAN_ESCAPED     6

/* few texts nest deeper: their scanner keeps to this many levels */
#define LLM_SCAN_LEVELS      16


typedef struct {
    uint32_t              count;      /* values so far */
    uint8_t               type;
    uint8_t               pick;
} llm_level_t;


/* a pick while its value is read; found of one nobody came by is unset */

typedef struct {
    size_t                start;
    uint64_t              text;       /* s->text at the start */
    llm_buf_t            *copy;       /* what came in earlier pieces */
    llm_found_t           found;
} llm_pick_state_t;


struct llm_scan_s {
    llm_scan_state_e      state;
    int                   rc;
    unsigned              flags;
    unsigned              depth;      /* of stack; stack[0] is outside */

    const unsigned char  *piece;
    const unsigned char  *pos;
    const unsigned char  *end;
    size_t                offset;     /* of the piece, or of the error */
    size_t                close;      /* the outermost value's last byte */

    /* the token at hand */

    size_t                token;      /* its offset */
    uint64_t              excess;     /* bytes that escapes take on top */
    const char           *literal;    /* what is left of it */
    uint32_t              code;
    uint8_t               left;       /* hex digits, or bytes of a sequence */
    uint8_t               min;        /* of the next byte of a sequence */
    uint8_t               max;
    uint8_t               pick;       /* of the value at hand */
    uint8_t               type;       /* of the outermost value */
    unsigned              name:1;     /* the string is a name, */
    unsigned              wanted:1;   /* which is to be read, */
    unsigned              escaped:1;  /* and has escapes */

    uint32_t              values;
    uint64_t              text;       /* decoded bytes of all strings */
    const char           *error;

    /* names that are cut by pieces or escaped; allocated when one comes */

    unsigned char        *space;      /* 2 * name_size: raw, then decoded */
    size_t                name_size;
    size_t                name_len;   /* bytes of earlier pieces, uncapped */

    llm_arena_t          *arena;
    llm_member_t         *members;
    uint32_t             *hashes;     /* parallel to members */
    unsigned              nmembers;
    unsigned              amembers;
    llm_buf_t             names;
    llm_str_t             duplicate;

    const llm_picks_t    *set;

    /* bits of picks */

    uint64_t              open;       /* their values are being read */
    uint64_t              told;       /* found is set */
    uint64_t              raw;        /* open ones with LLM_PICK_RAW */
    uint64_t              copies;     /* copy is set */

    unsigned              nlevels;
    llm_level_t          *stack;

    /* what is above is zeroed when a scanner is made, nothing of the rest */

    llm_level_t           levels[LLM_SCAN_LEVELS];
    llm_pick_state_t      picks[];
};


#define llm_scan_bit(pick)  ((uint64_t) 1 << (pick))
#define llm_scan_at(s, p)   ((s)->offset + (size_t) ((p) - (s)->piece))


/* ends the scan with rc; returns it */
int llm_scan_fail(llm_scan_t *s, size_t offset, int rc, const char *error);

/* the same with what should have been where p is */
int llm_scan_unexpected(llm_scan_t *s, const unsigned char *p);

/* takes structure and simple scalars until another token begins */
int llm_scan_structure(llm_scan_t *s);

/* the value at hand ended before offset; count is of its elements */
int llm_scan_value_end(llm_scan_t *s, size_t offset, uint32_t count);

/* go on in a token until it or the piece ends */
int llm_scan_text(llm_scan_t *s);
int llm_scan_number(llm_scan_t *s);
int llm_scan_literal(llm_scan_t *s);

/*
 * Behind what is plain at p, escapes and UTF-8 that the piece has whole;
 * adds to *excess what the escapes take on top.
 */
const unsigned char *llm_scan_plain(const unsigned char *p,
    const unsigned char *end, uint64_t *excess);

/* skips whole sequences; stops at ASCII, a bad sequence or a cut one */
const unsigned char *llm_scan_utf8(const unsigned char *p,
    const unsigned char *end);

/* whether c may follow a backslash; 'u' apart */
int llm_scan_escaped(unsigned char c);
/* the value of a hex digit, or 16 */
unsigned llm_scan_digit(unsigned char c);

/*
 * Takes values, whole ones as far as can be, of the container at hand, in
 * which nobody asks for anything.  It never fails: it stops before what is
 * wrong, or not simple, at the latest before the container's end.
 */
void llm_scan_unasked(llm_scan_t *s);

/* LLM_OK, or LLM_INVALID if it is no table as it must be */
int llm_scan_picks_link(llm_picks_t *picks);

void llm_scan_pick_open(llm_scan_t *s, size_t offset, unsigned type);
int llm_scan_pick_close(llm_scan_t *s, size_t offset, uint32_t count);
/* both at once, of a scalar that the piece has whole; LLM_OK, LLM_NOMEM */
int llm_scan_pick_scalar(llm_scan_t *s, unsigned i, const unsigned char *from,
    const unsigned char *to, unsigned type, size_t text);

/* a name that is wanted ended at p, its closing quote */
int llm_scan_name_end(llm_scan_t *s, const unsigned char *p);
/* takes a name, unescaped */
int llm_scan_name_take(llm_scan_t *s, const llm_str_t *name);
/* keeps a part of a name that is cut; LLM_OK or LLM_NOMEM */
int llm_scan_name_keep(llm_scan_t *s, const unsigned char *p, size_t len);

/* copies from the piece what must outlive it: open picks, a cut name */
int llm_scan_keep(llm_scan_t *s);


#define llm_scan_key(data, len)                                               \
    ((uint16_t) ((len) << 8 | ((len) ? (data)[0] : 0)))

#define llm_scan_slot(key, parent)                                            \
    ((uint8_t) (((uint32_t) (key) * 0x9e3779b1u >> 24) + (parent)))


/* the pick of a name, unescaped, under parent; or LLM_SCAN_NO_PICK */

static inline unsigned
llm_scan_find(const llm_picks_t *set, unsigned parent,
    const unsigned char *name, size_t len)
{
    unsigned  i;
    uint16_t  key;

    if (len > 255) {
        return LLM_SCAN_NO_PICK;
    }

    key = llm_scan_key(name, len);

    for (i = set->slots[llm_scan_slot(key, parent)];
         i != LLM_SCAN_NO_PICK;
         i = set->next[i])
    {
        if (set->key[i] == key
            && set->parent[i] == parent
            && memcmp(set->table[i].name, name, len) == 0)
        {
            break;
        }
    }

    return i;
}


/* whether any name may be asked for under parent */
#define llm_scan_asked(set, place)  ((set)->parents >> (place) & 1)


/* whether anybody asks for anything inside the container at hand */

static inline unsigned
llm_scan_watched(const llm_scan_t *s)
{
    unsigned  place;

    place = s->stack[s->depth].pick;

    return llm_scan_asked(s->set, place)
           || s->set->element[place] != LLM_SCAN_NO_PICK
           || (s->depth == 1 && (s->flags & LLM_SCAN_MEMBERS));
}


/*
 * How much longer an escape with four digits is than what it stands for; each
 * half of a pair counts for two of its four bytes.
 */

static inline unsigned
llm_scan_excess(uint32_t code)
{
    return (code < 0x80) ? 5
           : (code < 0x800 || (code & 0xf800) == 0xd800) ? 4 : 3;
}


/* whether anybody asks for a name where the scanner stands */

static inline unsigned
llm_scan_listed(const llm_scan_t *s)
{
    return s->depth == 1 && (s->flags & LLM_SCAN_MEMBERS);
}


#endif /* _LLM_SCAN_STATE_H_INCLUDED_ */
