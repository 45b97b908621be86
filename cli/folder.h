/* cli/folder.h -- a temporary folder of files */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include "base/arena.h"
#include "base/fail.h"

/* A new one under $TMPDIR, else /tmp: only its owner can use it. -FAIL_LOCAL. */
int folder_new(struct arena *a, const char **path, struct fail *f);
/* With the files in it. NULL is fine. */
void folder_remove(const char *path);

#endif
