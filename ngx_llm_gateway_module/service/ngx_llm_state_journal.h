
/*
 * What the files of the journal service share.
 */


#ifndef _NGX_LLM_STATE_JOURNAL_H_INCLUDED_
#define _NGX_LLM_STATE_JOURNAL_H_INCLUDED_


#include "ngx_llm_state.h"
#include "ngx_llm_state_file.h"

#include <ngx_event.h>


#define NGX_LLM_STATE_KINDS    8
#define NGX_LLM_STATE_BUFFER   (64 * 1024)     /* one write, bytes */


/* in the zone, under its lock where more than the writer changes it */

typedef struct {
    ngx_pid_t                writer;      /* 0: nobody */
    ngx_msec_t               beat;        /* its last sign of life */
    uint64_t                 id;          /* of the journal; 0: none is good */
    uint64_t                 next;        /* of the one that is to follow */
    off_t                    size;        /* the journal is good up to here;
                                             -1: nobody knows, it is not
                                             appended to */
    off_t                    base;        /* its size when it was new */
    ngx_uint_t               unsure;      /* changes were taken, and may not
                                             have been written */
} ngx_llm_state_sh_t;


struct ngx_llm_state_writer_s {
    unsigned                 kind;
    u_char                  *start;
    u_char                  *pos;
    u_char                  *end;
    size_t                   last_len;    /* key that was put last */
    u_char                   last[NGX_LLM_STATE_KEY_MAX];
};


/*
 *   IDLE      one journal is appended to
 *   ALL       everything is being written to a new one
 *   COMMIT    the new one is on its way to the disk and into place
 *
 *   IDLE -> ALL -> COMMIT -> IDLE
 *   ALL, COMMIT -> IDLE                  (it failed: the old one stays)
 */

typedef enum {
    NGX_LLM_STATE_IDLE = 0,
    NGX_LLM_STATE_ALL,
    NGX_LLM_STATE_COMMIT
} ngx_llm_state_phase_e;


struct ngx_llm_state_s {
    ngx_llm_zone_t          *zone;
    ngx_llm_state_sh_t      *sh;          /* NULL: not started */
    ngx_llm_state_dir_t      dir;
    ngx_cycle_t             *cycle;
    ngx_llm_state_kind_t     kinds[NGX_LLM_STATE_KINDS];
    ngx_uint_t               nkinds;

    ngx_event_t              timer;
    ngx_connection_t         dumb;        /* what debug logs of timers want */
    ngx_msec_t               changed_at;  /* ngx_current_msec */

    ngx_uint_t               lost;        /* the journal is another nginx's */

    /* of the writer */
    ngx_llm_state_writer_t  *writer;      /* NULL: this process is not it */
    ngx_llm_state_phase_e    phase;
    ngx_uint_t               owed;        /* the journal lacks something: a
                                             new one must be made */
    ngx_uint_t               kind;        /* ALL: index of the one that is
                                             written, and the key behind
                                             which to go on */
    size_t                   after_len;
    u_char                   after[NGX_LLM_STATE_KEY_MAX];
    ngx_llm_state_file_t     file;
    ngx_llm_state_file_t     next;
    ngx_uint_t               next_short;  /* and so does the new one */
};


/* finds the zone's part; NGX_ERROR: logged */
ngx_int_t ngx_llm_state_attach(ngx_llm_state_t *state, ngx_cycle_t *cycle);

/*
 * Whether the journal that lies there is the one that this zone is saved in.
 * Not, once another nginx replaced it.  Where there is none a new one is owed.
 */
ngx_uint_t ngx_llm_state_ours(ngx_llm_state_t *state);

/* this process, which sh->writer names, is to write: from where the one before
   it stopped */
ngx_int_t ngx_llm_state_begin(ngx_llm_state_t *state);
/* it writes no more */
void ngx_llm_state_end(ngx_llm_state_t *state);

/* appends what changed since the last call */
void ngx_llm_state_changed(ngx_llm_state_t *state);

/* whether the journal is mostly old */
ngx_uint_t ngx_llm_state_grown(ngx_llm_state_t *state);

/* IDLE -> ALL; NGX_ERROR: not now */
ngx_int_t ngx_llm_state_compact(ngx_llm_state_t *state);

/*
 * Writes the next slice of everything.  NGX_AGAIN: more is to follow; NGX_OK:
 * the new journal is on its way, done already if wait is 1; NGX_ERROR: there
 * will be none.
 */
ngx_int_t ngx_llm_state_slice(ngx_llm_state_t *state, ngx_uint_t wait);

/* whether it arrived: NGX_AGAIN: not yet; else the phase is IDLE again */
ngx_int_t ngx_llm_state_committed(ngx_llm_state_t *state);

/* makes a new journal at once, where nobody waits */
void ngx_llm_state_whole(ngx_llm_state_t *state);


#endif /* _NGX_LLM_STATE_JOURNAL_H_INCLUDED_ */
