// A library of libraries needs a source of its own.
