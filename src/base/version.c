/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"

const char version_number[] = AMBIENT_VERSION;
const char version_commit[] = AMBIENT_COMMIT;
const char version_build[] = AMBIENT_VERSION "@" AMBIENT_COMMIT;
