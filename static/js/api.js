// Shows the API's contract, and lets whoever is logged in try each operation as themselves.
"use strict";

(() => {
  const place = document.getElementById("contract");
  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((part) => part.startsWith(`${name}=`))
      ?.slice(name.length + 1) ?? "";

  SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: false, // else a link lies within the button that opens an operation
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: () => {
      // its headings leave a level out, and what it says first lies in no landmark
      place.querySelector("h1").setAttribute("aria-level", "2");
      const about = place.querySelector(".information-container");
      about.setAttribute("role", "region");
      about.setAttribute("aria-label", "About the contract");
    },
    requestInterceptor: (request) => {
      request.headers["X-CSRFToken"] = cookie("csrftoken");
      return request;
    },
  });
})();
