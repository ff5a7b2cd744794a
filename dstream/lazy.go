package dstream

// lazy is the type parameter of methods that need none. Nobody writes it: the compiler infers struct{}, which is all that it can be.
// With it a method is compiled where it is called, and not for every type that a stream is made of: see the same in package rdd.
type lazy interface{ struct{} }
