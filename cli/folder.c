#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int folder_new(struct arena *a, const char **path, struct fail *f)
{
	const char *base = getenv("TMPDIR");
	char *name =
		(char *)(uintptr_t)arena_fmt(a, "%s/rte-XXXXXX", base && base[0] ? base : "/tmp").p;

	if (!mkdtemp(name))
		return fail_set(f, -FAIL_LOCAL, "%s: %s", name, strerror(errno));
	*path = name;
	return 0;
}

void folder_remove(const char *path)
{
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), e->d_name, 0); /* . and .. are refused */
	closedir(dir);
	rmdir(path);
}
