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
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      request.headers["X-CSRFToken"] = cookie("csrftoken");
      return request;
    },
  });
})();
