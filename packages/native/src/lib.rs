//! The Node addon: conversion between JavaScript values and the core, nothing else.
