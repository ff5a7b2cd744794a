package rdd

// lazy is the type parameter of methods that need none. Nobody writes it: the compiler infers struct{}, which is all that it can be.
//
// A method without type parameters is compiled for every type that its receiver is made of, called or not, together with all that it
// calls; a few types that lead to each other become thousands of functions, and a job of ten lines takes half a minute to build. A
// method with one is compiled where it is called.
type lazy interface{ struct{} }
