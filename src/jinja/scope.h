// Which variable each name of a template means, decided once before any rendering.
//
// Jinja compiles templates to Python functions and decides this then; what it decides shows in odd
// places (a name that a loop sets further down hides the outer one from the first line on), so the
// rules here are those of its compiler: a frame for the template and for the body of each loop,
// macro, call, filter, set, with and named block, none for an if. A name that a frame reads is the
// next outer frame's that knows it, else the render's variable; a name that it sets is its own, and
// begins with the outer value.
#pragma once

#include "jinja/ast.h"

namespace sparrow::jinja {

// Fills every slot and frame of the tree and gives the template's own frame. Throws
// Error{invalid_file} for what Jinja refuses when it compiles: unknown filters and tests outside of
// an if, an assignment to a loop's `loop`.
FrameLayout resolve_names(Body& body);

}  // namespace sparrow::jinja
