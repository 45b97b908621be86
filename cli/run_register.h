/* cli/run_register.h -- --register: the registration that a command lives on (cli.md section 5.3).
 * run.c calls the first part, and is called by way of the second. */
#ifndef CLI_RUN_REGISTER_H
#define CLI_RUN_REGISTER_H

#include "endpoint/registration.h"
#include "run.h"

/* The options: with --register a lifetime, and an AOR (ruling 10). To be called when r->aor is
 * known. */
int run_register_setup(struct run *r, struct fail *f);
/* The registration that the options ask for, kept until it is stopped; without handler. */
struct registration_config run_register_config(const struct run *r);
/* Registers; what comes of it is told below. Frees what is left of an earlier try. */
int run_register_start(struct run *r, struct fail *f);
/* Removes the binding. True: run_register_closed will come; false: there is nothing to wait for. */
bool run_register_stop(struct run *r);
/* Is there a registration that has not ended? */
bool run_register_alive(const struct run *r);
/* The REGISTER as it would be sent, into the output. */
int run_register_dry_run(struct run *r, struct fail *f);
void run_register_free(struct run *r);

/* ---- run.c ---- */

/* There is a binding: for the first time, or again. */
void run_registered(struct run *r);
/* It could not be made, or it was lost for good. */
void run_register_failed(struct run *r, const struct endpoint_result *result);
/* It was removed, or that failed. */
void run_register_closed(struct run *r);

#endif
