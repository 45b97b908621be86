/* cli/config.h -- the layers below the command line (cli.md section 12): RTE_* and the
 * configuration file. Both give OPT_GO_ON, or an exit code after a usage error. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "opt_table.h"

/* RTE_<OPTION> for every long option of the table but --password: RTE_PASSWORD holds the secret
 * itself. */
int config_environment(const struct opt_table *t, struct groups *g);
/* The file of --config, else $XDG_CONFIG_HOME/rte/config if there is one: its top part and the
 * chosen profile. */
int config_file(const struct opt_table *t, struct groups *g);

/* $XDG_CONFIG_HOME/rte/NAME or ~/.config/rte/NAME; NULL when there is no home. Lives in a. */
const char *config_path(struct arena *a, const char *name);
/* ~/x as $HOME/x; anything else as it is. */
const char *config_home(struct arena *a, const char *path);
/* The value of a setting (NULL: a flag): a file is named relative to the home, the rest is as on
 * the command line. */
const char *config_value(struct arena *a, const struct opt_row *row, const char *text);

#endif
