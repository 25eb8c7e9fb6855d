/* A PKCS#11 module that passes everything on to SoftHSM, but counts logins and hangs in C_Sign when it is told to:
 * SHIM_DIR/logins gets a byte for each C_Login; while SHIM_DIR/hang exists, C_Sign does not return. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
/* CK_FUNCTION_LIST of PKCS#11 2.40: a version and 68 functions in the order of the standard. */
struct functions { unsigned char version[2]; void *of[68]; };
enum { LOGIN = 18, SIGN = 43 };
static struct functions own, *theirs;

static void path(char *out, size_t size, const char *name) { snprintf(out, size, "%s/%s", getenv("SHIM_DIR"), name); }

static ulong_t login(ulong_t session, ulong_t user, unsigned char *pin, ulong_t length) {
  char file[512];
  path(file, sizeof file, "logins");
  int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd < 0 || write(fd, "x", 1) != 1) abort();
  close(fd);
  return ((ulong_t(*)(ulong_t, ulong_t, unsigned char *, ulong_t))theirs->of[LOGIN])(session, user, pin, length);
}

static ulong_t sign(ulong_t session, unsigned char *data, ulong_t length, unsigned char *out, ulong_t *room) {
  char file[512];
  path(file, sizeof file, "hang");
  while (access(file, F_OK) == 0) usleep(20000);
  return ((ulong_t(*)(ulong_t, unsigned char *, ulong_t, unsigned char *, ulong_t *))theirs->of[SIGN])(session, data, length, out, room);
}

ulong_t C_GetFunctionList(struct functions **list) {
  void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) return 5;
  ulong_t (*get)(struct functions **) = (ulong_t(*)(struct functions **))dlsym(library, "C_GetFunctionList");
  ulong_t said = get(&theirs);
  if (said) return said;
  memcpy(&own, theirs, sizeof own);
  own.of[LOGIN] = (void *)login;
  own.of[SIGN] = (void *)sign;
  *list = &own;
  return 0;
}
