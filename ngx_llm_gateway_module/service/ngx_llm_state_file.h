
/*
 * The files of the journal: one that holds it, one that replaces it when it
 * is compacted, and a lock.  Each belongs to the workers' user, mode 0600.
 */


#ifndef _NGX_LLM_STATE_FILE_H_INCLUDED_
#define _NGX_LLM_STATE_FILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_str_t     dir;        /* all end with a zero byte */
    ngx_str_t     path;       /* llm.state */
    ngx_str_t     temp;       /* llm.state.new */
    ngx_str_t     lock;       /* llm.lock */
    ngx_log_t    *log;        /* of this process */
} ngx_llm_state_dir_t;


/* one that is written: good up to size */

typedef struct {
    ngx_fd_t      fd;         /* NGX_INVALID_FILE: closed */
    off_t         size;
    uint64_t      id;         /* inode */
} ngx_llm_state_file_t;


/* names the files; the directory must be there, or nginx makes it */
ngx_int_t ngx_llm_state_dir_add(ngx_conf_t *cf, ngx_llm_state_dir_t *d,
    ngx_str_t *dir);

/* whether the workers' user may make files there, else logged at emerg */
ngx_int_t ngx_llm_state_dir_check(ngx_llm_state_dir_t *d, ngx_cycle_t *cycle);

/*
 * Takes the lock, for as long as this process or a child of it lives.
 * NGX_OK: it is ours; NGX_BUSY: another nginx has it; NGX_ERROR: logged.
 */
ngx_int_t ngx_llm_state_dir_lock(ngx_llm_state_dir_t *d, ngx_cycle_t *cycle);

/* what the master makes must be the workers' too; sets errno */
ngx_int_t ngx_llm_state_file_give(ngx_fd_t fd, ngx_cycle_t *cycle);

/*
 * The whole journal in memory of ngx_alloc().  NGX_OK; NGX_DECLINED: there is
 * no such file; NGX_ERROR: logged.
 */
ngx_int_t ngx_llm_state_file_read(ngx_llm_state_dir_t *d, ngx_str_t *text);

/*
 * Gives the journal another name, "llm.state.WHY.TIME", under which nothing
 * touches it any more.
 */
void ngx_llm_state_file_aside(ngx_llm_state_dir_t *d, const char *why,
    ngx_str_t *name);

/*
 * Opens the journal to append from size on; what lies behind is cut off.
 * NGX_DECLINED: it is another file than id, or shorter.
 */
ngx_int_t ngx_llm_state_file_open(ngx_llm_state_dir_t *d,
    ngx_llm_state_file_t *f, uint64_t id, off_t size);

/* the inode of the journal; 0: there is none */
uint64_t ngx_llm_state_file_id(ngx_llm_state_dir_t *d);

/* makes an empty journal under the name that is to replace it */
ngx_int_t ngx_llm_state_file_create(ngx_llm_state_dir_t *d,
    ngx_llm_state_file_t *f, ngx_cycle_t *cycle);

/*
 * Appends.  On NGX_ERROR, logged once a minute, the file is as it was before.
 */
ngx_int_t ngx_llm_state_file_append(ngx_llm_state_dir_t *d,
    ngx_llm_state_file_t *f, u_char *p, size_t len);

void ngx_llm_state_file_close(ngx_llm_state_dir_t *d,
    ngx_llm_state_file_t *f);

/* closes and removes a new journal that will not replace the old one */
void ngx_llm_state_file_discard(ngx_llm_state_dir_t *d,
    ngx_llm_state_file_t *f);

/*
 * Brings the new journal to the disk and puts it in the place of the old one,
 * in a thread where nginx has any; where wait is 1 it is done on return.
 * NGX_BUSY: another one is still on its way.
 */
ngx_int_t ngx_llm_state_file_commit(ngx_llm_state_dir_t *d,
    ngx_llm_state_file_t *f, ngx_uint_t wait);

/* NGX_OK: it is done; NGX_AGAIN: not yet; NGX_ERROR: it failed, logged */
ngx_int_t ngx_llm_state_file_committed(ngx_llm_state_dir_t *d);


#endif /* _NGX_LLM_STATE_FILE_H_INCLUDED_ */
